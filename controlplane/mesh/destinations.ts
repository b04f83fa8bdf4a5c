import type { Located } from '../../common/config/located.js'
import { speechOf } from '../../common/protocol.js'
import type { RouteDestination, RouteDocument, RouteRule } from '../config/schema/route.js'
import type { ServiceDocument } from '../config/schema/service.js'
import type { WeightedCluster } from './mesh.js'
import { type Problems, problemAt } from './report.js'
import type { ServicePort } from './service-ports.js'
import { scaleWeights } from './split.js'

/** What destinations are looked up in. */
export interface Lookup {
  /** By service, in the order of its file. */
  readonly ports: ReadonlyMap<string, readonly ServicePort[]>
  /** By service. */
  readonly services: ReadonlyMap<string, Located<ServiceDocument>>
}

/** No more of it than what concerns these services: whoever is given that can depend on nothing else. */
export function restrict({ ports, services }: Lookup, names: readonly string[]): Lookup {
  return { ports: pick(ports, names), services: pick(services, names) }
}

function pick<T>(all: ReadonlyMap<string, T>, names: readonly string[]): ReadonlyMap<string, T> {
  return new Map(
    names.flatMap((name) => {
      const value = all.get(name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

/** The services that the documents of a service lead its requests to, beside itself. */
export function calleesOf(documents: Iterable<Located<RouteDocument>>): readonly string[] {
  const rules = [...documents].flatMap(({ value }) => value.rules)
  const destinations = rules.flatMap(({ to, split }) => [to ?? [], split ?? []].flat())
  return [...new Set(destinations.flatMap(({ service }) => service ?? []))]
}

/**
 * Resolves the destinations of a rule to clusters.
 *
 * @param from the port to whose requests the rule applies
 * @returns undefined where one of them does not exist or cannot take these requests; then it is reported
 */
export function resolveDestinations(
  rule: RouteRule,
  index: number,
  from: ServicePort,
  document: Located<RouteDocument>,
  lookup: Lookup,
  problems: Problems,
): readonly WeightedCluster[] | undefined {
  const destinations: readonly RouteDestination[] = rule.split ?? (rule.to === undefined ? [] : [rule.to])
  const given = destinations.filter(({ weight }) => weight !== undefined).length
  if (given > 0 && given < destinations.length) {
    const message = 'some destinations have a weight and others have none'
    const hint = 'give every destination of the split a weight'
    problems.push(problemAt(document, ['rules', index, 'split'], { code: 'MSH0307', message, hint }))
    return undefined
  }
  const weights = scaleWeights(destinations.map(({ weight }) => weight))
  const resolved = destinations.map((destination, at) => {
    const path = rule.split === undefined ? ['rules', index, 'to'] : ['rules', index, 'split', at]
    const found = findCluster(destination, from, document.value.service, lookup)
    if (typeof found === 'string') return { cluster: found, weight: weights[at] ?? 0 }
    problems.push(problemAt(document, [...path, found.key], found))
    return undefined
  })
  return resolved.every((one) => one !== undefined) ? resolved.filter(({ weight }) => weight > 0) : undefined
}

/** Whether any of these clusters leads to applications that speak HTTP/2, and so may serve gRPC. */
export function maySpeakGrpc(to: readonly WeightedCluster[], { ports }: Lookup): boolean {
  return to.some(({ cluster }) => {
    const [service = '', portName] = cluster.split('/')
    const port = ports.get(service)?.find((one) => one.portName === portName)
    return port !== undefined && speechOf(port.protocol) === 'http2'
  })
}

interface NotFound {
  readonly key: string
  readonly code: string
  readonly message: string
  readonly hint?: string
}

function findCluster(
  destination: RouteDestination,
  from: ServicePort,
  owner: string,
  { ports, services }: Lookup,
): string | NotFound {
  const service = destination.service ?? owner
  const candidates = ports.get(service) ?? []
  if (candidates.length === 0) {
    const hint = 'no host reports it and no catalog document names it'
    return { key: 'service', code: 'MSH0301', message: `there is no service ${service}`, hint }
  }
  const port = choosePort(candidates, destination.port, from)
  if (port === undefined) {
    const known = candidates.map(({ portName, protocol }) => `${portName} (${protocol})`).join(', ')
    const wanted = destination.port ?? from.portName
    return {
      key: destination.port === undefined ? 'service' : 'port',
      code: 'MSH0302',
      message: `${service} has no port ${wanted} that carries ${from.carriage}; it has ${known}`,
    }
  }
  const { subset } = destination
  if (subset === undefined) return port.name
  const known = Object.keys(services.get(service)?.value.subsets ?? {})
  if (known.includes(subset)) return `${port.name}/${subset}`
  const hint =
    known.length === 0 ? `write subsets in { kind: service, service: ${service} }` : `it has ${known.join(', ')}`
  return { key: 'subset', code: 'MSH0303', message: `${service} has no subset ${subset}`, hint }
}

/** The named port; else the one that is called as the caller's; else the only one that is carried alike. */
function choosePort(
  candidates: readonly ServicePort[],
  wanted: string | undefined,
  from: ServicePort,
): ServicePort | undefined {
  const fitting = candidates.filter(({ carriage }) => carriage === from.carriage)
  const named = fitting.find(({ portName }) => portName === (wanted ?? from.portName))
  if (named !== undefined || wanted !== undefined) return named
  return fitting.length === 1 ? fitting[0] : undefined
}
