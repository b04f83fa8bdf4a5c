import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import type { TransportSocketSchema } from '../../common/proto/envoy/config/core/v3/base_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import type { RouteActionSchema, RouteSchema } from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { RouterSchema } from '../../common/proto/envoy/extensions/filters/http/router/v3/router_pb.js'
import { HttpConnectionManagerSchema } from '../../common/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import type { CertificateProviderPluginInstanceSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import { UpstreamTlsContextSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { encode, type Given } from '../../common/protobuf/encode.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import type {
  Mesh,
  MeshCluster,
  MeshEndpoints,
  MeshPort,
  MeshRoute,
  NamedPort,
  OutboundRoutes,
  TimeLimit,
  Transport,
} from '../mesh/mesh.js'
import { buildEndpoints } from './endpoint.js'
import { buildRouteMatch } from './match.js'
import type { Recipe } from './memo.js'
import { ADS, duration, pack } from './messages.js'
import { outboundRouteName, portOfCluster } from './names.js'

/**
 * The layer of gRPC clients that speak xDS themselves (`xds:///orders.mesh:9000`). They see nothing else of the mesh,
 * and Envoys never see this: what one of them takes, the other refuses.
 *
 * @see https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
 */
export const GRPC_LAYER = 'grpc'

/** What a publication calls the gRPC clients of a host. Hosts have no slash in their names. */
export function grpcClient(host: string): string {
  return `${host}/grpc`
}

/** The name under which a client's bootstrap has its certificate and its roots, as with other meshes. */
const CERTIFICATE_PROVIDER = 'default'

/** Where calls go for which the mesh has an answer of its own: to no cluster, because gRPC has no such routes. */
const NO_CLUSTER = 'answered-by-the-mesh'

/** The ports that are spoken to in gRPC: those that clients see. */
export function grpcPorts(ports: Mesh['ports']): readonly MeshPort[] {
  return [...ports.values()].filter(({ outbound }) => outbound?.routes.some(({ match }) => match.grpc) === true)
}

/** What gRPC clients see of one port. @param reached as {@link leadsTo} says */
export function grpcRecipes(
  { named, outbound }: MeshPort,
  reached: readonly MeshPort[],
  domain: string,
): readonly Recipe[] {
  if (outbound === undefined) return []
  return [
    ...targetsOf(named, domain).map((target) => listenerRecipe(target, named)),
    recipe(ROUTE, outboundRouteName(outbound.name), outbound, () =>
      encode(RouteConfigurationSchema, buildGrpcRoutes(outbound)),
    ),
    ...reached.flatMap(({ clusters, endpoints }) => [
      ...clusters.map((one) => clusterRecipe(one)),
      ...endpoints.map((one) => endpointRecipe(one)),
    ]),
  ]
}

/** The ports to which the routes of one can lead, itself among them; what two of them lead to is made once. */
export function leadsTo({ outbound }: MeshPort, ports: Mesh['ports']): readonly MeshPort[] {
  const forwards = outbound?.routes.flatMap(({ action }) => (action.kind === 'forward' ? action.to : [])) ?? []
  const names = new Set(forwards.map(({ cluster }) => portOfCluster(cluster)))
  return [...names].flatMap((name) => ports.get(name) ?? [])
}

/**
 * What a client may write behind `xds:///`. The first form is the server name by which the callee's Envoy knows the port;
 * clients that take the server name from their target rather than from the cluster have to use it.
 */
function targetsOf({ name, service, numbers }: NamedPort, domain: string): readonly string[] {
  const [, portName = ''] = name.split('/')
  return [
    `${portName}.${service}.${domain}`,
    ...numbers.flatMap((number) => (number === 80 ? [`${service}.${domain}`] : [])),
    ...numbers.map((number) => `${service}.${domain}:${number}`),
  ]
}

function recipe(type: string, name: string, from: object, build: () => Uint8Array): Recipe {
  return { type, name, scope: GRPC_LAYER, from, build }
}

function listenerRecipe(target: string, port: NamedPort): Recipe {
  return recipe(LISTENER, target, port, () => encode(ListenerSchema, buildApiListener(target, port.name)))
}

function clusterRecipe(cluster: MeshCluster): Recipe {
  const build = () => encode(ClusterSchema, buildGrpcCluster(cluster))
  return recipe(CLUSTER, cluster.name, cluster, build)
}

/** gRPC refuses endpoints without a locality, and counts no weight of a locality as none of its load. */
const GRPC_LOCALITY = { locality: {}, loadBalancingWeight: 1 }

function endpointRecipe(endpoints: MeshEndpoints): Recipe {
  const build = () => encode(ClusterLoadAssignmentSchema, buildEndpoints(endpoints, undefined, GRPC_LOCALITY))
  return recipe(ENDPOINT, endpoints.name, endpoints, build)
}

function buildApiListener(target: string, port: string): Given<typeof ListenerSchema> {
  const apiListener = pack(HttpConnectionManagerSchema, {
    routeSpecifier: { case: 'rds', value: { configSource: ADS, routeConfigName: outboundRouteName(port) } },
    httpFilters: [
      { name: 'envoy.filters.http.router', configType: { case: 'typedConfig', value: pack(RouterSchema, {}) } },
    ],
  })
  return { name: target, apiListener: { apiListener } }
}

/** The routes of one port, as far as gRPC has them: no rewrites, no retries, and no answers of the mesh's own. */
function buildGrpcRoutes({ name, routes }: OutboundRoutes): Given<typeof RouteConfigurationSchema> {
  const routeName = outboundRouteName(name)
  const forGrpc = new Set(routes.flatMap((route) => (route.match.grpc ? route.name : [])))
  // Every call is one of gRPC, so what stands behind the route for such calls is never reached.
  const reached = routes.filter((route) => !forGrpc.has(`${route.name}/grpc`))
  return {
    name: routeName,
    virtualHosts: [{ name: routeName, domains: ['*'], routes: reached.flatMap(buildGrpcRoute) }],
  }
}

function buildGrpcRoute({ name, match, action }: MeshRoute): readonly Given<typeof RouteSchema>[] {
  const { path, methods, headers } = match
  // Calls are POST, whatever a rule says of methods.
  if (methods !== undefined && !methods.includes('POST')) return []
  const to = action.kind === 'forward' ? action.to : [{ cluster: NO_CLUSTER, weight: 1 }]
  const timeout: TimeLimit = action.kind === 'forward' ? action.timeout : 'unlimited'
  const [only, ...more] = to
  const value: Given<typeof RouteActionSchema> = {
    clusterSpecifier:
      only !== undefined && more.length === 0
        ? { case: 'cluster', value: only.cluster }
        : {
            case: 'weightedClusters',
            value: { clusters: to.map(({ cluster, weight }) => ({ name: cluster, weight })) },
          },
    // Zero: the deadline of the call alone counts.
    maxStreamDuration: { grpcTimeoutHeaderMax: duration(timeout === 'unlimited' ? 0 : timeout.ms) },
  }
  const envoyMatch = buildRouteMatch({ headers, ...(path === undefined ? {} : { path }) })
  return [{ name, match: envoyMatch, action: { case: 'route', value } }]
}

function buildGrpcCluster({ name, transport }: MeshCluster): Given<typeof ClusterSchema> {
  return {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
    // The only one that every gRPC client has.
    lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
    ...(transport.kind === 'mesh' ? { transportSocket: clientTls(transport) } : {}),
  }
}

/** Mutual TLS towards the callee's Envoy, with the certificate that the client's bootstrap names. */
function clientTls({
  serverName,
  spiffeId,
}: Extract<Transport, { kind: 'mesh' }>): Given<typeof TransportSocketSchema> {
  const provider: Given<typeof CertificateProviderPluginInstanceSchema> = { instanceName: CERTIFICATE_PROVIDER }
  const context = pack(UpstreamTlsContextSchema, {
    sni: serverName,
    commonTlsContext: {
      tlsCertificateProviderInstance: provider,
      validationContextType: {
        case: 'validationContext',
        value: {
          caCertificateProviderInstance: provider,
          // The older form of the field: the only one that gRPC reads.
          matchSubjectAltNames: [{ matchPattern: { case: 'exact', value: spiffeId } }],
        },
      },
    },
  })
  return {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: context },
  }
}
