const PREFIX = 'type.googleapis.com/'

/** Type URLs of the resources that Envoy subscribes to over ADS. */
export const CLUSTER = `${PREFIX}envoy.config.cluster.v3.Cluster`
export const ENDPOINT = `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`
export const LISTENER = `${PREFIX}envoy.config.listener.v3.Listener`
export const ROUTE = `${PREFIX}envoy.config.route.v3.RouteConfiguration`
export const SECRET = `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`

/** Short names for people, as in `mesh hosts`. */
export const TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  [CLUSTER, 'cluster'],
  [ENDPOINT, 'endpoint'],
  [LISTENER, 'listener'],
  [ROUTE, 'route'],
  [SECRET, 'secret'],
])
