import { formatBind } from '../../common/bind.js'
import type { Protocol } from '../../common/config/fields.js'
import { carriageOf, speechOf } from '../../common/protocol.js'
import type { CatalogHost, DeclaredUpstream, HostedService } from '../catalog/catalog.js'
import { serverName } from './clusters.js'
import type { Lookup } from './destinations.js'
import type { InboundListener, InboundPort, MeshHost, MeshPort, UpstreamListener } from './mesh.js'
import { viewKey } from './names.js'
import { type Problems, parsePlace, problemOf } from './report.js'
import type { MeshSettings } from './settings.js'

/** What a host is built from, the same for all. */
export interface HostContext {
  readonly ports: ReadonlyMap<string, MeshPort>
  /** On which any service is found by its name. */
  readonly numbers: ReadonlySet<number>
  readonly lookup: Lookup
  readonly settings: MeshSettings
  readonly problems: Problems
}

/** What is particular to one host: the ports that it serves, its declared upstreams, its view of names. */
export function buildHost(host: CatalogHost, { ports, numbers, lookup, settings, problems }: HostContext): MeshHost {
  const nameView = viewKey(host, numbers)
  return {
    name: host.name,
    inbound: inboundListeners(host, ports, lookup, settings),
    upstreams: host.upstreams.flatMap((upstream) => upstreamListener(upstream, host, lookup, problems) ?? []),
    ...(nameView === undefined ? {} : { nameView }),
  }
}

function inboundListeners(
  host: CatalogHost,
  ports: ReadonlyMap<string, MeshPort>,
  lookup: Lookup,
  settings: MeshSettings,
): readonly InboundListener[] {
  const { address, port } = host.inbound
  const numbers = [...new Set(host.services.map(({ inboundPort }) => inboundPort))]
  return numbers.flatMap((number) => {
    const served = host.services.filter(({ inboundPort }) => inboundPort === number)
    const carried = inboundPorts(served, host, ports, lookup, settings)
    if (carried.length === 0) return []
    const name = number === undefined ? 'inbound' : `inbound/${number}`
    return { name, address: { address, port: number ?? port }, ports: carried }
  })
}

function inboundPorts(
  services: readonly HostedService[],
  host: CatalogHost,
  ports: ReadonlyMap<string, MeshPort>,
  lookup: Lookup,
  { domain }: MeshSettings,
): readonly InboundPort[] {
  return services.flatMap(({ service, ports: served, inboundPort }) =>
    served.flatMap(({ name: portName, port, protocol }) => {
      const named = ports.get(`${service}/${portName}`)?.named
      if (named === undefined) return []
      return {
        name: named.name,
        local: inboundPort === undefined ? named.name : `${named.name}/${inboundPort}`,
        service,
        carriage: named.carriage,
        serverName: serverName(portName, service, domain),
        application: { address: host.applicationAddress, port },
        speaks: speechOf(spoken(service, portName, protocol, lookup)),
      }
    }),
  )
}

/** What an application speaks: what its file says, unless a document does, or the port is carried in another way. */
function spoken(service: string, portName: string, own: Protocol, { ports, services }: Lookup): Protocol {
  const port = ports.get(service)?.find((one) => one.portName === portName)
  const decided = services.get(service)?.value.protocol !== undefined || port?.carriage !== carriageOf(own)
  return decided ? (port?.protocol ?? own) : own
}

function upstreamListener(
  { declaredBy, service, port, bind, place }: DeclaredUpstream,
  host: CatalogHost,
  { ports }: Lookup,
  problems: Problems,
): UpstreamListener | undefined {
  const candidates = ports.get(service) ?? []
  const target = candidates.find(({ portName }) => port === undefined || portName === port)
  const name = `upstream/${declaredBy}/${formatBind(bind)}`
  if (target !== undefined) {
    return { name, bind, target: target.name, ...(declaredBy === host.caller ? {} : { as: declaredBy }) }
  }
  const what = candidates.length === 0 ? `there is no service ${service}` : `${service} has no port ${port}`
  const message = `the upstream of ${declaredBy} at ${formatBind(bind)} leads nowhere: ${what}`
  problems.push(problemOf(parsePlace(place), { code: 'MSH0406', severity: 'notice', message }))
  return undefined
}
