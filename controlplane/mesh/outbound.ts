import type { Located } from '../../common/config/located.js'
import type { RouteDocument, RouteRule } from '../config/schema/route.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { type Lookup, maySpeakGrpc, resolveDestinations } from './destinations.js'
import { ANY_REQUEST, matchesEverything, matchesOf } from './match.js'
import type {
  MeshRoute,
  OutboundRoutes,
  OutboundTcp,
  RouteAction,
  Sources,
  TimeLimit,
  WeightedCluster,
} from './mesh.js'
import { type Problems, problemAt } from './report.js'
import { retryPolicy } from './retry.js'
import type { ServicePort } from './service-ports.js'

/** Keys of a rule that mean something only for requests, and nothing for bytes. */
const HTTP_KEYS = ['match', 'respond', 'rewrite', 'timeout', 'retry'] as const

/** Where requests or connections go, and the documents that say so. */
export interface OutboundResult<T> {
  readonly result: T
  readonly sources: Sources
}

/**
 * The outbound routes of an http port. A document with a reference to something that does not exist is left out as a
 * whole and reported; requests then go to all instances, as without a document. What no rule matches goes there too.
 */
export function outboundRoutes(
  port: ServicePort,
  document: Located<RouteDocument> | undefined,
  lookup: Lookup,
  problems: Problems,
): OutboundResult<Omit<OutboundRoutes, 'rejectEscapedSlashes'>> {
  const service = lookup.services.get(port.service)
  const fallback = forwardTo([{ cluster: port.name, weight: 1 }], undefined, service?.value)
  const routes = document === undefined ? [] : rulesOf(port, document, service?.value, lookup, problems)
  const accepted = routes ?? []
  const open = !accepted.some(({ match }) => matchesEverything(match))
  const all = open ? [...accepted, { name: DEFAULT_ROUTE, match: ANY_REQUEST, action: fallback }] : accepted
  return {
    result: { name: port.name, routes: all.flatMap((route) => [...grpcRoute(route, lookup), route]) },
    sources: [document, service].flatMap((one) => (one === undefined ? [] : [one.location])),
  }
}

/** The name of the route for what no rule matches; rules have names of another form. */
export const DEFAULT_ROUTE = 'default'

/**
 * The route of gRPC calls beside a route that can lead to applications of gRPC. It honours the deadline of each call,
 * which Envoy cannot do together with a timeout for other requests: what bounds a call by its deadline switches that
 * timeout off.
 */
function grpcRoute({ name, match, action }: MeshRoute, lookup: Lookup): readonly MeshRoute[] {
  if (action.kind !== 'forward' || !maySpeakGrpc(action.to, lookup)) return []
  return [{ name: `${name}/grpc`, match: { ...match, grpc: true }, action: { ...action, deadline: 'honour' } }]
}

function rulesOf(
  port: ServicePort,
  document: Located<RouteDocument>,
  service: ServiceDocument | undefined,
  lookup: Lookup,
  problems: Problems,
): readonly MeshRoute[] | undefined {
  const routes: MeshRoute[] = []
  let faulty = false
  for (const [index, rule] of document.value.rules.entries()) {
    const action = actionOf(rule, index, port, document, service, lookup, problems)
    if (action === undefined) {
      faulty = true
      continue
    }
    const name = ruleName(rule, index)
    routes.push(...matchesOf(rule.match).map((match, at) => ({ name: `${name}#${at + 1}`, match, action })))
  }
  return faulty ? undefined : routes
}

/** The name of a rule, or one made of its number. */
export function ruleName({ name }: RouteRule, index: number): string {
  return name ?? `rule-${index + 1}`
}

function actionOf(
  rule: RouteRule,
  index: number,
  port: ServicePort,
  document: Located<RouteDocument>,
  service: ServiceDocument | undefined,
  lookup: Lookup,
  problems: Problems,
): RouteAction | undefined {
  if (rule.respond !== undefined) {
    const { status, body } = rule.respond
    return { kind: 'respond', status, ...(body === undefined ? {} : { body }) }
  }
  if (rule.to === undefined && rule.split === undefined) {
    return forwardTo([{ cluster: port.name, weight: 1 }], rule, service)
  }
  const to = resolveDestinations(rule, index, port, document, lookup, problems)
  return to === undefined ? undefined : forwardTo(to, rule, service)
}

function forwardTo(
  to: readonly WeightedCluster[],
  rule: RouteRule | undefined,
  service: ServiceDocument | undefined,
): RouteAction {
  const retry = retryPolicy(service?.retry, rule?.retry)
  const prefixRewrite = rule?.rewrite?.prefix
  return {
    kind: 'forward',
    to,
    timeout: requestTimeout(service, rule),
    ...(retry === undefined ? {} : { retry }),
    ...(prefixRewrite === undefined ? {} : { prefixRewrite }),
  }
}

/** How long a request may take: what its rule says, else its service, else as long as it likes. */
export function requestTimeout(service: ServiceDocument | undefined, rule: RouteRule | undefined): TimeLimit {
  const value = rule?.timeout ?? service?.timeouts?.request
  return value === undefined || value === 'off' || value === 0 ? 'unlimited' : { ms: value }
}

/**
 * Where connections to a tcp port go. Only `to` and `split` mean anything there; a document that says more is left out
 * as a whole and reported.
 */
export function outboundTcp(
  port: ServicePort,
  document: Located<RouteDocument> | undefined,
  lookup: Lookup,
  problems: Problems,
): OutboundResult<OutboundTcp> {
  const whole = { result: { to: [{ cluster: port.name, weight: 1 }] }, sources: [] }
  const rule = document?.value.rules[0]
  if (document === undefined || rule === undefined) return whole
  const misplaced = document.value.rules.flatMap((one, index) =>
    HTTP_KEYS.filter((key) => one[key] !== undefined).map((key) => ['rules', index, key] as const),
  )
  for (const path of misplaced) {
    const message = `not possible for the tcp port ${port.name}: only to and split are`
    problems.push(problemAt(document, path, { code: 'MSH0308', message }))
  }
  if (misplaced.length > 0) return whole
  if (rule.to === undefined && rule.split === undefined) return { ...whole, sources: [document.location] }
  const to = resolveDestinations(rule, 0, port, document, lookup, problems)
  return to === undefined ? whole : { result: { to }, sources: [document.location] }
}
