import type { RouteRuleView, ServiceDescription, ServiceView } from '../../common/admin-api.js'
import type { Located } from '../../common/config/located.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import type { Catalog } from '../catalog/catalog.js'
import type { Config } from '../config/config.js'
import type { RouteDocument, RouteRule } from '../config/schema/route.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { accessOfService, type PlacedRule, policyNames, type ServiceAccess } from '../mesh/access.js'
import type { Mesh, MeshPort } from '../mesh/mesh.js'
import { DEFAULT_ROUTE, requestTimeout, ruleName } from '../mesh/outbound.js'
import { retryPolicy } from '../mesh/retry.js'
import { describeSettings, formatPlace } from './settings.js'

/** What is in effect for a service, beside what the list of services and that of problems tell of it. */
export function describeService(
  service: string,
  config: Config,
  { catalog, mesh }: { readonly catalog: Catalog; readonly mesh: Mesh | undefined },
): Omit<ServiceDescription, keyof ServiceView | 'problems'> {
  const instances = catalog.instances.get(service) ?? []
  const document = config.services.get(service)
  const access = accessOfService(service, config.authorizations, config.mesh?.value.authorization ?? 'allow')
  return {
    settings: describeSettings(document, config.mesh, instances, takesRequests(service, mesh)),
    subsets: Object.entries(document?.value.subsets ?? {}).map(([name, { labels }]) => ({
      name,
      labels,
      instances: endpointsOf(name, service, mesh),
      from: document === undefined ? 'default' : formatPlace(document.locate(['subsets', name])),
    })),
    access: {
      rules: [...rulesOf(access, 'deny'), ...rulesOf(access, 'allow')],
      otherwise: instances.some(({ reach }) => reach === 'mesh') ? otherwise(access, config) : OUTSIDE,
    },
    routes: [...(config.routes.get(service)?.values() ?? [])].flatMap((route) =>
      describeRoute(route, document?.value, mesh),
    ),
    unmatched: portsOf(service, mesh)
      .filter(takesUnmatched)
      .map(({ named }) => named.name),
  }
}

function portsOf(service: string, mesh: Mesh | undefined): readonly MeshPort[] {
  return [...(mesh?.ports.values() ?? [])].filter(({ named }) => named.service === service)
}

/** Whether anything is left that no rule of a document matches. */
function takesUnmatched({ named, outbound }: MeshPort): boolean {
  if (outbound === undefined) return named.tcp?.sources.length === 0
  return outbound.routes.some(({ name }) => name === DEFAULT_ROUTE)
}

/** How many instances requests for a subset can go to now. */
function endpointsOf(subset: string, service: string, mesh: Mesh | undefined): number {
  const endpoints = portsOf(service, mesh).flatMap((port) =>
    port.endpoints.flatMap(({ name, endpoints: all }) => (name === `${port.named.name}/${subset}` ? all : [])),
  )
  return new Set(endpoints.map(({ address }) => formatSocketAddress(address))).size
}

/** Of a service that no instance of the mesh runs, whatever documents say. */
const OUTSIDE = 'nothing is refused: its instances are outside the mesh, where no Envoy asks who calls'

function rulesOf({ rules }: ServiceAccess, effect: PlacedRule['effect']) {
  const placed = rules.filter((one) => one.effect === effect)
  const names = policyNames(placed)
  return placed.map(({ rule: { from, to }, document, path }, index) => ({
    effect,
    name: names[index] ?? '',
    ...(from === undefined ? {} : { callers: from }),
    ...(to === undefined ? {} : { to }),
    from: formatPlace(document.locate(path)),
  }))
}

function otherwise({ closed, documents }: ServiceAccess, { mesh }: Config): string {
  if (!closed) return 'every other call is allowed: no document about the service has allow, and the mesh allows'
  const closing = documents.find(({ value }) => value.allow !== undefined)
  if (closing !== undefined) return `every other call is refused: allow is at ${formatPlace(closing.locate(['allow']))}`
  const place = mesh === undefined ? '' : `, at ${formatPlace(mesh.locate(['authorization']))}`
  return `every other call is refused: the mesh refuses what no rule allows${place}`
}

function describeRoute(
  document: Located<RouteDocument>,
  of: ServiceDocument | undefined,
  mesh: Mesh | undefined,
): readonly RouteRuleView[] {
  const { service, port, rules } = document.value
  return rules.map((rule, index) => {
    const name = ruleName(rule, index)
    return {
      name,
      ...(port === undefined ? {} : { port }),
      rule,
      ...(rule.respond === undefined && takesRequests(service, mesh) ? limitsOf(rule, of) : {}),
      inEffect: isInEffect({ name, index }, service, document, mesh),
      from: formatPlace(document.locate(['rules', index])),
    }
  })
}

/** Whether the service has an http port: limits of requests mean nothing for the bytes of tcp ports. */
function takesRequests(service: string, mesh: Mesh | undefined): boolean {
  return portsOf(service, mesh).some(({ outbound }) => outbound !== undefined)
}

function limitsOf(rule: RouteRule, service: ServiceDocument | undefined) {
  const timeout = requestTimeout(service, rule)
  return {
    timeout: timeout === 'unlimited' ? ('off' as const) : timeout.ms,
    retries: retryPolicy(service?.retry, rule.retry)?.retries ?? 0,
  }
}

/**
 * Whether a port of the service was built from the rule: a document with a problem is left out as a whole, and of the
 * rules for connections to a tcp port the first one takes all.
 */
function isInEffect(
  rule: { readonly name: string; readonly index: number },
  service: string,
  { location }: Located<RouteDocument>,
  mesh: Mesh | undefined,
): boolean {
  return portsOf(service, mesh).some(({ named, outbound }) => {
    if (outbound === undefined) return rule.index === 0 && named.tcp?.sources.includes(location) === true
    return (
      outbound.sources.includes(location) && outbound.routes.some((route) => route.name.startsWith(`${rule.name}#`))
    )
  })
}
