import { formatBind } from '../../common/bind.js'
import type { Problem } from '../../common/problem.js'
import { formatSocketAddress, isWildcard, parseSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import type { HostReports } from './agents.js'
import { placeOf } from './place.js'
import type { HostFacts, ServiceFacts } from './report.js'

type Upstream = ServiceFacts['upstreams'][number]

/** What a host reports without what cannot work, and why. */
export interface Untangled {
  readonly reports: HostReports
  readonly problems: readonly Problem[]
}

/**
 * Finds what is in its own way on one host, so that one file never takes the others down.
 *
 * A service on a port of Envoy's own is left out: Envoy would hand its requests to itself. So is an upstream on an address
 * that something else has: Envoy would refuse it. Two services on one port stay, since one application may be both.
 */
export function untangle(reports: HostReports): Untangled {
  const problems: Problem[] = []
  const services = reports.services.filter((service) => isFree(reports, service, problems))
  noteSharedPorts(reports, services, problems)
  const taken = new Map(services.flatMap((service) => applicationsOf(reports.facts, service)))
  const kept = services.map((service) => {
    const upstreams = service.upstreams.filter((one) => mayBind(reports, service, one, taken, problems))
    return upstreams.length === service.upstreams.length ? service : { ...service, upstreams }
  })
  return { reports: { ...reports, services: kept }, problems }
}

/** Hosts that others are to reach at one address: their calls would end at whoever answers there. */
export function sharedAddresses(all: readonly HostReports[]): readonly Problem[] {
  const byAddress = new Map<string, string[]>()
  for (const { host, facts } of all) {
    const address = formatSocketAddress(facts.advertised)
    byAddress.set(address, [...(byAddress.get(address) ?? []), host])
  }
  return [...byAddress].flatMap(([address, hosts]) =>
    hosts.slice(1).map((host) => ({
      ...placeOf(host, 'agent.yaml:1'),
      code: 'MSH0410',
      severity: 'error' as const,
      path: '',
      message: `${host} says that others reach it at ${address}, and so does ${hosts[0]}; calls for one of them end at the other`,
      hint: 'give each its own `address` (or `advertise`) in agent.yaml; has a machine been cloned?',
    })),
  )
}

function isFree(reports: HostReports, service: ServiceFacts, problems: Problem[]): boolean {
  const own = envoyPorts(reports.facts)
  for (const { name, port } of service.ports) {
    const application = { address: reports.facts.applicationAddress, port }
    const taken = own.find(([, address]) => overlap(address, application))
    if (taken === undefined) continue
    const message = `port ${name} of ${service.service} is ${port}, where Envoy of ${reports.host} has its ${taken[0]}; the service gets no requests there`
    const hint = 'let the application listen on another port'
    problems.push({
      ...placeOf(reports.host, service.source),
      code: 'MSH0408',
      severity: 'error',
      path: '',
      message,
      hint,
    })
    return false
  }
  return true
}

/** The addresses on which the host's Envoy listens itself, with what is there. */
function envoyPorts({ inbound, envoyMetrics }: HostFacts): readonly (readonly [string, SocketAddress])[] {
  const metrics = parseSocketAddress(envoyMetrics)
  return [['inbound listener', inbound], ...(metrics === undefined ? [] : [['metrics', metrics] as const])]
}

/** Whether two listeners would be in each other's way; a wildcard address is in the way of all. */
function overlap(a: SocketAddress, b: SocketAddress): boolean {
  const wildcard = [a.address, b.address].some(isWildcard)
  return a.port === b.port && (wildcard || a.address === b.address)
}

function noteSharedPorts({ host }: HostReports, services: readonly ServiceFacts[], problems: Problem[]): void {
  const first = new Map<number, ServiceFacts>()
  for (const service of services) {
    for (const { port } of service.ports) {
      const other = first.get(port)
      if (other === undefined) first.set(port, service)
      else if (other !== service) {
        const message = `${service.service} has port ${port}, and so has ${other.service} (${other.source}): one application gets the requests for both`
        problems.push({ ...placeOf(host, service.source), code: 'MSH0409', severity: 'notice', path: '', message })
      }
    }
  }
}

function applicationsOf(
  { applicationAddress }: HostFacts,
  { service, ports }: ServiceFacts,
): readonly [string, string][] {
  return ports.map(({ port }) => [
    formatSocketAddress({ address: applicationAddress, port }),
    `the application of ${service}`,
  ])
}

/** @param taken what is at each address; gets this one too */
function mayBind(
  { host, facts }: HostReports,
  { service, source }: ServiceFacts,
  { bind, service: target }: Upstream,
  taken: Map<string, string>,
  problems: Problem[],
): boolean {
  const address = formatBind(bind)
  const envoy = bind.kind === 'pipe' ? undefined : envoyPorts(facts).find(([, one]) => overlap(one, bind))
  const other = taken.get(address) ?? (envoy === undefined ? undefined : `Envoy's own ${envoy[0]}`)
  if (other === undefined) {
    taken.set(address, `the upstream of ${service} for ${target} (${source})`)
    return true
  }
  const message = `the upstream of ${service} for ${target} is to be at ${address}, where ${other} is; it is left out`
  const hint = `choose another ${bind.kind === 'pipe' ? 'socket' : 'port'} for \`bind\``
  problems.push({ ...placeOf(host, source), code: 'MSH0411', severity: 'error', path: '', message, hint })
  return false
}
