import type { SocketAddress } from '../common/socket-address.js'
import { ADMIN_CLUSTER, buildMetricsListener } from './envoy/metrics-listener.js'

/** Everything that decides what Envoy's bootstrap says. */
export interface BootstrapInput {
  /** Name of this host: the node id, by which the relay and the control plane know this Envoy. */
  readonly host: string
  readonly locality: { readonly region?: string | undefined; readonly zone?: string | undefined }
  /** Metadata of the node: what the control plane must know of this host to build its configuration. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Path of the agent's Unix socket, where Envoy gets its configuration and secrets. */
  readonly xdsSocket: string
  /** Path of the Unix socket that Envoy makes for its admin interface, mode 0660. */
  readonly adminSocket: string
  /** Where `/metrics` and `/ready` are served to anybody; undefined: nowhere. */
  readonly metrics: SocketAddress | undefined
  /** Bytes of heap from which on Envoy sheds load; absent: no limit. */
  readonly heapLimit?: number | undefined
  /** Connections of callers, over all listeners, beyond which Envoy refuses new ones; 50,000 unless given. */
  readonly maxConnections?: number | undefined
}

/** Name of the static cluster by which Envoy reaches the agent. */
export const AGENT_CLUSTER = 'mesh_agent'

/**
 * Builds Envoy's bootstrap: who it is, where the agent is, and nothing of the mesh, which all comes over ADS.
 *
 * It is JSON, because Envoy reads YAML by version 1.1, where an unquoted `n` is false. Equal input gives equal bytes,
 * so that an Envoy that is already running with it can be recognised.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto
 */
export function buildBootstrap(input: BootstrapInput): string {
  const bootstrap = {
    node: buildNode(input),
    static_resources: {
      listeners: input.metrics === undefined ? [] : [buildMetricsListener(input.metrics)],
      clusters: [buildAgentCluster(input.xdsSocket), buildAdminCluster(input.adminSocket)],
    },
    dynamic_resources: buildDynamicResources(),
    stats_config: buildStatsConfig(),
    // Histograms are merged when somebody asks for statistics and not every 5 s: an idle Envoy stays idle.
    stats_flush_on_admin: true,
    admin: { address: { pipe: { path: input.adminSocket, mode: 0o660 } } },
    layered_runtime: buildRuntime(),
    overload_manager: buildOverloadManager(input.maxConnections ?? 50_000, input.heapLimit),
    // A service that nobody calls from this host costs no counters.
    deferred_stat_options: { enable_deferred_creation_stats: true },
  }
  return `${JSON.stringify(bootstrap, undefined, 2)}\n`
}

function buildNode({ host, locality, metadata }: BootstrapInput) {
  return {
    id: host,
    cluster: 'hostmesh',
    metadata,
    locality: { region: locality.region, zone: locality.zone },
  }
}

/**
 * CDS and LDS wait for the agent for ever (`initial_fetch_timeout: 0s`). With a limit, an Envoy whose agent is not up
 * yet would call itself live with no configuration, and applications that start after it would find no mesh. Until then
 * `/ready` says no, nothing listens, and the supervisor shows `starting`. What hangs below them (endpoints, routes,
 * secrets) keeps its own limits, so one missing resource never holds up the host.
 */
function buildDynamicResources() {
  const overAds = { resource_api_version: 'V3', ads: {}, initial_fetch_timeout: '0s' }
  return {
    lds_config: overAds,
    cds_config: overAds,
    ads_config: {
      api_type: 'DELTA_GRPC',
      transport_api_version: 'V3',
      // It names all of Envoy's extensions, tens of kilobytes, and would else be in each request, acknowledgements too.
      set_node_on_first_message_only: true,
      grpc_services: [{ envoy_grpc: { cluster_name: AGENT_CLUSTER, retry_policy: AGENT_RETRY } }],
    },
  }
}

/**
 * Envoy's own pauses grow to 30 s; the agent is one Unix socket away, and an agent that is back should be found at
 * once.
 */
const AGENT_RETRY = { retry_back_off: { base_interval: '0.100s', max_interval: '1s' } }

function buildAgentCluster(xdsSocket: string) {
  return {
    ...buildPipeCluster(AGENT_CLUSTER, xdsSocket),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  }
}

function buildAdminCluster(adminSocket: string) {
  return buildPipeCluster(ADMIN_CLUSTER, adminSocket)
}

function buildPipeCluster(name: string, path: string) {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  }
}

/**
 * The basic profile leaves out what no dashboard, alert or command of the mesh reads: of each cluster the priority
 * `high`, which nothing is sent with, and the load balancers that are not used; of Envoy itself its admin interface and
 * plumbing.
 */
function buildStatsConfig() {
  return {
    stats_matcher: {
      exclusion_list: {
        patterns: [
          { safe_regex: { regex: '^cluster\\..*\\.circuit_breakers\\.high\\..*' } },
          { safe_regex: { regex: '^cluster\\..*\\.lb_(local_cluster|recalculate_zone|subsets|zone)_.*' } },
          { prefix: 'filesystem.' },
          { prefix: 'http.admin.' },
          { prefix: 'http.async-client.' },
          { prefix: 'listener.admin.' },
          { prefix: 'thread_local_cluster_manager.' },
        ],
      },
    },
  }
}

/**
 * Envoy's bound on the size of a compiled regular expression is 100, which ordinary patterns exceed, and one that is
 * too large refuses the whole RouteConfiguration. No layer can be changed by the admin interface.
 */
function buildRuntime() {
  return {
    layers: [{ name: 'mesh', static_layer: { re2: { max_program_size: { error_level: 2000, warn_level: 1000 } } } }],
  }
}

function buildOverloadManager(maxConnections: number, heapLimit: number | undefined) {
  const monitors: object[] = [
    {
      name: 'envoy.resource_monitors.global_downstream_max_connections',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        max_active_downstream_connections: maxConnections,
      },
    },
  ]
  if (heapLimit === undefined) return { refresh_interval: '0.250s', resource_monitors: monitors }
  return {
    refresh_interval: '0.250s',
    resource_monitors: [...monitors, buildHeapMonitor(heapLimit)],
    actions: [
      buildHeapAction('envoy.overload_actions.shrink_heap', 0.9),
      buildHeapAction('envoy.overload_actions.stop_accepting_requests', 0.98),
    ],
  }
}

function buildHeapMonitor(heapLimit: number) {
  return {
    name: 'envoy.resource_monitors.fixed_heap',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig',
      max_heap_size_bytes: heapLimit,
    },
  }
}

function buildHeapAction(name: string, threshold: number) {
  return { name, triggers: [{ name: 'envoy.resource_monitors.fixed_heap', threshold: { value: threshold } }] }
}
