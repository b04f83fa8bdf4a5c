import { formatBind } from '../../common/bind.js'
import type { Protocol } from '../../common/config/fields.js'
import type { MemoTable } from '../../common/memo/memo.js'
import type { Steps } from '../../common/memo/steps.js'
import { carriageOf, speechOf } from '../../common/protocol.js'
import type { Catalog, CatalogHost, DeclaredUpstream, HostedService } from '../catalog/catalog.js'
import { serverName } from './clusters.js'
import { type Lookup, restrict } from './destinations.js'
import type { InboundListener, InboundPort, MeshHost, UpstreamListener } from './mesh.js'
import { dependsOnNumbers, viewKey } from './names.js'
import { type Problems, parsePlace, problemOf } from './report.js'
import type { MeshSettings } from './settings.js'

/** A host of the mesh, with what was wrong on the way. */
export interface BuiltHost {
  readonly host: MeshHost
  readonly problems: Problems
}

/**
 * Builds what is particular to each host, sorted by name: the ports that it serves, its declared upstreams, its view of
 * names. A host is made from no more than its own entry and what is known of the services that it names.
 *
 * @param numbers on which any service is found by its name
 */
export function* builtHosts(
  hosts: Catalog['hosts'],
  lookup: Lookup,
  numbers: ReadonlySet<number>,
  settings: MeshSettings,
  memo: MemoTable<BuiltHost>,
): Steps<readonly BuiltHost[]> {
  const sorted = [...hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return yield* memo.each(sorted, {
    key: ({ name }) => name,
    inputs: (host) => [
      host,
      settings.domain,
      dependsOnNumbers(host) ? numbers : undefined,
      ...servicesNamedBy(host).flatMap((service) => [lookup.ports.get(service), lookup.services.get(service)]),
    ],
    context: [lookup, numbers, settings.domain],
    make: (host) => buildHost(host, restrict(lookup, servicesNamedBy(host)), numbers, settings),
  })
}

function servicesNamedBy({ services, upstreams }: CatalogHost): readonly string[] {
  return [...services, ...upstreams].map(({ service }) => service)
}

function buildHost(host: CatalogHost, lookup: Lookup, numbers: ReadonlySet<number>, settings: MeshSettings): BuiltHost {
  const problems: Problems = []
  const nameView = viewKey(host, numbers)
  return {
    host: {
      name: host.name,
      inbound: inboundListeners(host, lookup, settings),
      upstreams: host.upstreams.flatMap((upstream) => upstreamListener(upstream, host, lookup, problems) ?? []),
      ...(nameView === undefined ? {} : { nameView }),
    },
    problems,
  }
}

function inboundListeners(host: CatalogHost, lookup: Lookup, settings: MeshSettings): readonly InboundListener[] {
  const { address, port } = host.inbound
  const numbers = [...new Set(host.services.map(({ inboundPort }) => inboundPort))]
  return numbers.flatMap((number) => {
    const served = host.services.filter(({ inboundPort }) => inboundPort === number)
    const carried = inboundPorts(served, host, lookup, settings)
    if (carried.length === 0) return []
    const name = number === undefined ? 'inbound' : `inbound/${number}`
    return { name, address: { address, port: number ?? port }, ports: carried }
  })
}

function inboundPorts(
  services: readonly HostedService[],
  host: CatalogHost,
  lookup: Lookup,
  { domain }: MeshSettings,
): readonly InboundPort[] {
  return services.flatMap(({ service, ports: served, inboundPort }) =>
    served.flatMap(({ name: portName, port, protocol }) => {
      const named = lookup.ports.get(service)?.find((one) => one.portName === portName)
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
