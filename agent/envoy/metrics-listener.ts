import type { SocketAddress } from '../../common/socket-address.js'

/** Name of the static cluster that is Envoy's own admin interface; nothing but the metrics listener leads there. */
export const ADMIN_CLUSTER = 'mesh_envoy_admin'

/** `stat_prefix` of the static listener for `/metrics` and `/ready` and of its connection manager. */
export const METRICS_STAT_PREFIX = 'mesh_metrics'

/**
 * Builds the static listener for exactly `/metrics` and `/ready`: the rest of the admin interface can stop Envoy or
 * show its secrets.
 *
 * It has a bound of its own and is left out of the host-wide one, so that an Envoy that is full can still be watched.
 * The port is not shared (`enable_reuse_port: false`): two Envoys on one port would each get half of the requests.
 */
export function buildMetricsListener({ address, port }: SocketAddress) {
  return {
    name: METRICS_STAT_PREFIX,
    stat_prefix: METRICS_STAT_PREFIX,
    address: { socket_address: { address, port_value: port } },
    filter_chains: [{ filters: [buildMetricsConnectionLimit(), buildMetricsConnectionManager()] }],
    per_connection_buffer_limit_bytes: 32_768,
    enable_reuse_port: false,
    ignore_global_conn_limit: true,
  }
}

function buildMetricsConnectionLimit() {
  return {
    name: 'envoy.filters.network.connection_limit',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
      stat_prefix: METRICS_STAT_PREFIX,
      max_connections: 64,
    },
  }
}

function buildMetricsConnectionManager() {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      codec_type: 'HTTP1',
      stat_prefix: METRICS_STAT_PREFIX,
      route_config: {
        virtual_hosts: [
          {
            name: 'metrics',
            domains: ['*'],
            routes: [buildAdminRoute('/metrics', '/stats/prometheus'), buildAdminRoute('/ready', '/ready')],
          },
        ],
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
        },
      ],
      common_http_protocol_options: { idle_timeout: '120s' },
      stream_idle_timeout: '30s',
      request_headers_timeout: '10s',
    },
  }
}

function buildAdminRoute(path: string, adminPath: string) {
  return {
    match: { path, headers: [{ name: ':method', string_match: { exact: 'GET' } }] },
    route: { cluster: ADMIN_CLUSTER, prefix_rewrite: adminPath, timeout: '30s' },
  }
}
