import type { ForwardingView, RouteRuleView } from '../../common/admin-api.js'
import type { Located } from '../../common/config/located.js'
import { formatPlace } from '../../common/problem.js'
import type { RouteDocument, RouteRule } from '../config/schema/route.js'
import { matchesEverything } from '../mesh/match.js'
import type { Mesh, MeshPort, MeshRoute, OutboundTcp, RouteAction, Sources } from '../mesh/mesh.js'
import { DEFAULT_ROUTE, ruleName } from '../mesh/outbound.js'
import { routeOf } from '../mesh/port.js'
import type { ServicePort } from '../mesh/service-ports.js'
import type { DescribedService } from './described.js'
import { forwarding, forwardingNotes } from './forwarding.js'
import { leftOutBecause } from './problems.js'
import { matchWords, writtenWords } from './words.js'

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
  const byPort = config.routes.get(service)
  const applied = ports.map((port) => ({ port, document: routeOf(port, byPort, ports) }))
  const documents = [...(byPort?.values() ?? [])]
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
    return [{ port, match, ...forwarding(action, carriage), notes: forwardingNotes(action, carriage, mesh) }]
  })
}

function restOf(built: MeshPort | undefined): { readonly match: string; readonly action: RouteAction } | undefined {
  if (built === undefined) return undefined
  const { named, outbound, sources } = built
  if (outbound === undefined) {
    if (named.tcp === undefined || sources.outbound.length > 0) return undefined
    return { match: 'every connection', action: tcpAction(named.tcp) }
  }
  const action = actionOf(DEFAULT_ROUTE, outbound.routes)
  const match = outbound.routes.some(({ name }) => isOfRule(name)) ? 'every other request' : 'every request'
  return action === undefined ? undefined : { match, action }
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
    notes: outcome.inEffect ? forwardingNotes(outcome.action, carriage, mesh) : [outcome.why],
    from: formatPlace(document.locate(['rules', index])),
  }
}

function outcomeOf(document: Document, rule: RouteRule, index: number, built: MeshPort, of: DescribedService): Outcome {
  const { named, outbound, sources } = built
  const leftOut = () => ({ inEffect: false as const, why: leftOutBecause(document, of.problems) })
  if (outbound === undefined) {
    if (named.tcp === undefined || !isAmong(document, sources.outbound)) return leftOut()
    if (index > 0) return { inEffect: false, why: 'of the rules for a tcp port the first one takes all connections' }
    return { inEffect: true, action: tcpAction(named.tcp) }
  }
  const { routes } = outbound
  const name = `${ruleName(rule, index)}#1`
  const action = actionOf(name, routes)
  if (action === undefined) return leftOut()
  const before = routes.slice(
    0,
    routes.findIndex((one) => one.name === name),
  )
  const taking = before.find(({ match }) => matchesEverything(match))
  if (taking === undefined) return { inEffect: true, action }
  return { inEffect: false, action, why: `${nameOfRule(taking)} before it matches every request` }
}

function isAmong({ location }: Document, sources: Sources): boolean {
  return sources.some((source) => formatPlace(source) === formatPlace(location))
}

/** Beside a route that can lead to applications of gRPC there is one for their calls; its action tells that too. */
function actionOf(name: string, routes: readonly MeshRoute[]): RouteAction | undefined {
  const grpc = routes.find((one) => one.name === `${name}/grpc`)
  return (grpc ?? routes.find((one) => one.name === name))?.action
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
