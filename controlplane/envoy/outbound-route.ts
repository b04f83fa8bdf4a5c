import type {
  DirectResponseActionSchema,
  RouteActionSchema,
  RouteSchema,
} from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import type { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { MeshRoute, OutboundRoutes, RequestMatch, RouteAction, TimeLimit } from '../mesh/mesh.js'
import { ESCAPED_SLASHES } from './escaped-slashes.js'
import { buildRouteMatch, quoteRegex } from './match.js'
import { duration } from './messages.js'
import { asIdentity, outboundRouteName, UNDELIVERED_HEADER } from './names.js'
import { buildRetryPolicy } from './retry.js'

/** Longest body of a direct response, bytes: what the language allows. */
const MAX_RESPONSE_BODY = 65_536

/**
 * The routes of one port on the caller's side.
 *
 * @param as the service whose identity its calls carry; absent: the host's caller
 */
export function buildOutboundRoutes(
  { name, routes, rejectEscapedSlashes }: OutboundRoutes,
  as?: string,
): Given<typeof RouteConfigurationSchema> {
  const routeName = asIdentity(outboundRouteName(name), as)
  return {
    name: routeName,
    virtualHosts: [
      {
        name: routeName,
        domains: ['*'],
        routes: [...(rejectEscapedSlashes ? [ESCAPED_SLASHES] : []), ...routes.map((route) => buildRoute(route, as))],
      },
    ],
    // What the callee's Envoy says to this one is not for the application.
    responseHeadersToRemove: [UNDELIVERED_HEADER],
    maxDirectResponseBodySizeBytes: MAX_RESPONSE_BODY,
  }
}

function buildRoute({ name, match, action }: MeshRoute, as: string | undefined): Given<typeof RouteSchema> {
  return { name, match: buildRouteMatch(match), action: buildAction(action, match, as) }
}

function buildAction(
  action: RouteAction,
  match: RequestMatch,
  as: string | undefined,
): NonNullable<Given<typeof RouteSchema>['action']> {
  if (action.kind === 'forward') return { case: 'route', value: buildForward(action, match, as) }
  const { status, body } = action
  const value: Given<typeof DirectResponseActionSchema> = {
    status,
    ...(body === undefined ? {} : { body: { specifier: { case: 'inlineString', value: body } } }),
  }
  return { case: 'directResponse', value }
}

function buildForward(
  { to, timeout, deadline, retry, prefixRewrite }: Extract<RouteAction, { kind: 'forward' }>,
  match: RequestMatch,
  as: string | undefined,
): Given<typeof RouteActionSchema> {
  const [only, ...more] = to
  return {
    clusterSpecifier:
      only !== undefined && more.length === 0
        ? { case: 'cluster', value: asIdentity(only.cluster, as) }
        : {
            case: 'weightedClusters',
            value: { clusters: to.map(({ cluster, weight }) => ({ name: asIdentity(cluster, as), weight })) },
          },
    ...(prefixRewrite === undefined ? {} : rewrite(match, prefixRewrite)),
    ...timeLimits(timeout, deadline),
    ...(retry === undefined ? {} : { retryPolicy: buildRetryPolicy(retry) }),
  }
}

/**
 * What bounds a request: its timeout, or for calls of gRPC their own deadline up to that timeout. Never both: Envoy
 * switches the timeout off where it looks at deadlines, so there the timeout is a bound of the whole stream.
 */
function timeLimits(timeout: TimeLimit, deadline: 'honour' | undefined) {
  // Absent would be 15 s.
  if (deadline === undefined) return { timeout: duration(timeout === 'unlimited' ? 0 : timeout.ms) }
  const most = timeout === 'unlimited' ? duration(0) : duration(timeout.ms)
  return {
    maxStreamDuration: {
      ...(timeout === 'unlimited' ? {} : { maxStreamDuration: most }),
      grpcTimeoutHeaderMax: most,
    },
  }
}

/**
 * Replaces the matched prefix by whole segments. What is left of a path behind `/seg` begins with a slash, behind
 * `/seg/` it does not: so the new prefix must end as the old one does. Where only the new one ends with a slash, `/seg/a`
 * would become `//a`: there an expression takes the slash too.
 */
function rewrite({ path }: RequestMatch, target: string) {
  if (path?.kind === 'exact') return { prefixRewrite: target }
  const matched = path?.value ?? '/'
  if (matched.endsWith('/')) return { prefixRewrite: target.endsWith('/') ? target : `${target}/` }
  if (!target.endsWith('/')) return { prefixRewrite: target }
  const substitution = target.replaceAll('\\', '\\\\')
  return { regexRewrite: { pattern: { regex: `^${quoteRegex(matched)}/?` }, substitution } }
}
