import type { ForwardingView, RetryView, RouteRuleView } from '../../common/admin-api.js'
import type { Located } from '../../common/config/located.js'
import { formatPlace } from '../../common/problem.js'
import type { RouteDocument, RouteRule } from '../config/schema/route.js'
import { routeOf } from '../mesh/build.js'
import { matchesEverything } from '../mesh/match.js'
import type { Mesh, MeshPort, MeshRoute, OutboundTcp, RetryPolicy, RouteAction, TimeLimit } from '../mesh/mesh.js'
import { DEFAULT_ROUTE, ruleName } from '../mesh/outbound.js'
import type { ServicePort } from '../mesh/service-ports.js'
import type { DescribedService } from './described.js'
import { leftOutBecause } from './problems.js'
import { actionWords, matchWords, writtenWords } from './words.js'

type Document = Located<RouteDocument>

/** What became of a rule for a port: what is done, or why nothing is. */
type Outcome =
  | { readonly inEffect: true; readonly action: RouteAction }
  | { readonly inEffect: false; readonly why: string; readonly action?: RouteAction }

/**
 * The rules of a service's route documents, for each port that they are about. What happens is read from the mesh that
 * is served, and only the place from the document.
 */
export function describeRoutes(of: DescribedService): readonly RouteRuleView[] {
  const { service, ports, config, mesh } = of
  const lookup = { ports: new Map([[service, ports]]), services: config.services }
  const applied = ports.map((port) => ({ port, document: routeOf(port, { config, lookup }) }))
  const documents = [...(config.routes.get(service)?.values() ?? [])]
  const idle = documents.filter((document) => !applied.some((one) => one.document === document))
  return [
    ...applied.flatMap(({ port, document }) => {
      const built = mesh.ports.get(port.name)
      if (document === undefined || built === undefined) return []
      return document.value.rules.map((rule, index) =>
        viewRule(document, index, port, outcomeOf(document, rule, index, built, of), mesh),
      )
    }),
    ...idle.flatMap((document) => {
      const outcome: Outcome = { inEffect: false, why: whyIdle(document, ports) }
      return document.value.rules.map((_, index) => viewRule(document, index, undefined, outcome, mesh))
    }),
  ]
}

/** What happens to what no rule matches, for the ports where anything is left. */
export function describeUnmatched({ ports, mesh }: DescribedService): readonly ForwardingView[] {
  return ports.flatMap(({ name: built, portName: port, carriage }): readonly ForwardingView[] => {
    const rest = restOf(mesh.ports.get(built))
    if (rest === undefined) return []
    const { match, action } = rest
    return [{ port, match, ...forwarding(action, carriage), notes: emptyNotes(action, carriage, mesh) }]
  })
}

function restOf(built: MeshPort | undefined): { readonly match: string; readonly action: RouteAction } | undefined {
  const { named, outbound } = built ?? {}
  if (outbound === undefined) {
    if (named?.tcp === undefined || named.tcp.sources.length > 0) return undefined
    return { match: 'every connection', action: tcpAction(named.tcp) }
  }
  const rest = outbound.routes.find(({ name }) => name === DEFAULT_ROUTE)
  const match = outbound.routes.some(({ name }) => isOfRule(name)) ? 'every other request' : 'every request'
  return rest === undefined ? undefined : { match, action: rest.action }
}

function tcpAction({ to }: OutboundTcp): RouteAction {
  return { kind: 'forward', to, timeout: 'unlimited' }
}

/** @param port absent: none is routed by the document */
function viewRule(
  document: Document,
  index: number,
  port: ServicePort | undefined,
  outcome: Outcome,
  mesh: Mesh,
): RouteRuleView {
  const { rules, service } = document.value
  const rule = rules[index] ?? {}
  const { action } = outcome
  const carriage = port?.carriage ?? 'requests'
  const named = port?.portName ?? document.value.port
  return {
    name: ruleName(rule, index),
    ...(named === undefined ? {} : { port: named }),
    match: carriage === 'bytes' ? 'every connection' : matchWords(rule.match),
    ...(action === undefined ? { goes: writtenWords(rule, service) } : forwarding(action, carriage, rule)),
    rule,
    inEffect: outcome.inEffect,
    notes: outcome.inEffect ? emptyNotes(outcome.action, carriage, mesh) : [outcome.why],
    from: formatPlace(document.locate(['rules', index])),
  }
}

/** Destinations to which nothing can go now. */
function emptyNotes(action: RouteAction, carriage: ServicePort['carriage'], mesh: Mesh): readonly string[] {
  if (action.kind === 'respond') return []
  const ending = carriage === 'bytes' ? 'connections to it are closed' : 'requests to it get 503'
  return action.to
    .filter(({ cluster }) => countEndpoints(cluster, mesh) === 0)
    .map(({ cluster }) => `no instance of ${cluster} can be called: ${ending}`)
}

/** The endpoints of a subset are those of a port of its service. */
function countEndpoints(cluster: string, { ports }: Mesh): number {
  const [service, port] = cluster.split('/')
  const all = ports.get(`${service}/${port}`)?.endpoints ?? []
  return all.find(({ name }) => name === cluster)?.endpoints.length ?? 0
}

function outcomeOf(document: Document, rule: RouteRule, index: number, built: MeshPort, of: DescribedService): Outcome {
  const { named, outbound } = built
  const leftOut = () => ({ inEffect: false as const, why: leftOutBecause(document, of.problems) })
  if (outbound === undefined) {
    if (named.tcp?.sources.includes(document.location) !== true) return leftOut()
    if (index > 0) return { inEffect: false, why: 'of the rules for a tcp port the first one takes all connections' }
    return { inEffect: true, action: tcpAction(named.tcp) }
  }
  const { routes } = outbound
  const at = routes.findIndex(({ name }) => name === `${ruleName(rule, index)}#1`)
  const action = routes[at]?.action
  if (action === undefined) return leftOut()
  const last = routes.findIndex(({ match }) => matchesEverything(match))
  const first = routes[last]
  if (first === undefined || last >= at) return { inEffect: true, action }
  return { inEffect: false, action, why: `${nameOfRule(first)} before it matches every request` }
}

/** The routes of a rule are called `<rule>#1`, `<rule>#2/grpc` and so on. */
function isOfRule(route: string): boolean {
  return route.includes('#')
}

function nameOfRule({ name }: MeshRoute): string {
  return name.split('#', 1)[0] ?? name
}

/** Of a document that no port is routed by. */
function whyIdle({ value: { service, port } }: Document, ports: readonly ServicePort[]): string {
  if (ports.length === 0) return `no instance of ${service} is known`
  if (port !== undefined) return `${service} has no port ${port}; it has ${ports.map((one) => one.portName).join(', ')}`
  return 'each port that it could be for has a document of its own'
}

function forwarding(action: RouteAction, carriage: ServicePort['carriage'] = 'requests', rule?: RouteRule) {
  const goes = actionWords(action)
  if (action.kind === 'respond' || carriage === 'bytes') return { goes }
  return { goes, timeout: limitOf(action.timeout), retry: retryOf(action.retry, rule) }
}

function limitOf(timeout: TimeLimit): number | 'off' {
  return timeout === 'unlimited' ? 'off' : timeout.ms
}

function retryOf(policy: RetryPolicy | undefined, rule: RouteRule | undefined): RetryView {
  if (policy === undefined) return { retries: 0 }
  const { retries, perTryMs, on, methods } = policy
  return {
    retries,
    ...(perTryMs === undefined ? {} : { perTry: perTryMs }),
    ...(rule?.retry?.on === undefined ? {} : { on }),
    ...(methods === undefined ? {} : { methods }),
  }
}
