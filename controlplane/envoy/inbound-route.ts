import type { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { InboundRoutes } from '../mesh/mesh.js'
import { ESCAPED_SLASHES } from './escaped-slashes.js'
import { duration } from './messages.js'
import { applicationCluster, inboundRouteName, UNDELIVERED_HEADER } from './names.js'
import { rbacPerRoute } from './rbac.js'

/**
 * Everything for one port goes to its application, if the rules let it. Timeouts and retries are the caller's.
 *
 * @param local what the port is called on its host
 */
export function buildInboundRoutes(
  { access, rejectEscapedSlashes }: InboundRoutes,
  local: string,
): Given<typeof RouteConfigurationSchema> {
  const routeName = inboundRouteName(local)
  return {
    name: routeName,
    virtualHosts: [
      {
        name: routeName,
        domains: ['*'],
        routes: [
          ...(rejectEscapedSlashes ? [ESCAPED_SLASHES] : []),
          {
            name: 'application',
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action: {
              case: 'route',
              value: {
                clusterSpecifier: { case: 'cluster', value: applicationCluster(local) },
                timeout: duration(0),
              },
            },
          },
        ],
        typedPerFilterConfig: rbacPerRoute(access),
      },
    ],
    // An application must not be able to make its callers try again by forging what its Envoy says.
    responseHeadersToRemove: [UNDELIVERED_HEADER],
  }
}
