import type { CircuitBreakersSchema } from '../../common/proto/envoy/config/cluster/v3/circuit_breaker_pb.js'
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import type { OutlierDetectionSchema } from '../../common/proto/envoy/config/cluster/v3/outlier_detection_pb.js'
import {
  type HttpProtocolOptions_ExplicitHttpConfigSchema,
  HttpProtocolOptionsSchema,
} from '../../common/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { Speech } from '../../common/protocol.js'
import {
  APPLICATION_IDLE_MS,
  CONNECTIONS,
  IDLE_MS,
  MAX_STREAMS,
  OUTLIER,
  PANIC_THRESHOLD,
} from '../mesh/fixed-settings.js'
import type { InboundPort, MeshCluster } from '../mesh/mesh.js'
import { ADS, duration, encoder, pack, socketAddress } from './messages.js'
import { applicationCluster, asIdentity } from './names.js'
import { upstreamTls } from './tls.js'

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** How long the own application may take to accept a connection on loopback, milliseconds. */
const APPLICATION_CONNECT_MS = 1_000

const LB_POLICY = {
  'round-robin': Cluster_LbPolicy.ROUND_ROBIN,
  'least-request': Cluster_LbPolicy.LEAST_REQUEST,
} as const

/** HTTP/2 between Envoys, whatever the applications speak. */
const TO_ENVOY = httpOptions(IDLE_MS, {
  protocolConfig: { case: 'http2ProtocolOptions', value: { allowConnect: true, maxConcurrentStreams: MAX_STREAMS } },
})

/** To applications, the own one and those outside the mesh, in what they speak. */
const TO_APPLICATION = {
  http1: httpOptions(APPLICATION_IDLE_MS, {
    protocolConfig: { case: 'httpProtocolOptions', value: {} },
  }),
  http2: httpOptions(APPLICATION_IDLE_MS, {
    protocolConfig: { case: 'http2ProtocolOptions', value: { allowConnect: true } },
  }),
  bytes: {},
} as const satisfies Readonly<Record<Speech, Given<typeof ClusterSchema>['typedExtensionProtocolOptions']>>

/** The limits of one caller's Envoy towards a service, each said although some are Envoy's own defaults. */
const CIRCUIT_BREAKERS: Given<typeof CircuitBreakersSchema> = {
  thresholds: [
    {
      maxConnections: CONNECTIONS.max,
      maxPendingRequests: CONNECTIONS.pendingRequests,
      maxRequests: CONNECTIONS.requests,
      retryBudget: {
        budgetPercent: { value: CONNECTIONS.retryBudget.percent },
        minRetryConcurrency: CONNECTIONS.retryBudget.minimum,
      },
    },
  ],
}

const UNLIMITED = 2 ** 32 - 1

/** Limits protect callers from a callee; the only way to the own application must not have any of them. */
const NO_CIRCUIT_BREAKERS: Given<typeof CircuitBreakersSchema> = {
  thresholds: [{ maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED }],
}

/** What is not wanted is switched off by name, since Envoy has it on by default. */
const OUTLIER_DETECTION: Given<typeof OutlierDetectionSchema> = {
  consecutive5xx: OUTLIER.consecutive5xx,
  interval: duration(OUTLIER.intervalMs),
  baseEjectionTime: duration(OUTLIER.ejectionMs),
  maxEjectionTime: duration(OUTLIER.maxEjectionMs),
  maxEjectionPercent: OUTLIER.maxEjected,
  alwaysEjectOneHost: true,
  enforcingConsecutive5xx: 100,
  enforcingConsecutiveGatewayFailure: 0,
  enforcingSuccessRate: 0,
  enforcingFailurePercentage: 0,
}

const encodeEds = encoder(ClusterSchema, {
  clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
  edsClusterConfig: { edsConfig: ADS },
  perConnectionBufferLimitBytes: CONNECTIONS.bufferBytes,
  commonLbConfig: { healthyPanicThreshold: { value: PANIC_THRESHOLD } },
  circuitBreakers: CIRCUIT_BREAKERS,
  outlierDetection: OUTLIER_DETECTION,
})

/**
 * A cluster of endpoints that come by EDS under the cluster's own name, encoded.
 *
 * @param as the service whose identity its connections carry; absent: the host's caller
 */
export function encodeCluster(cluster: MeshCluster, as?: string): Uint8Array {
  const { carriage, transport } = cluster
  return encodeEds({
    name: asIdentity(cluster.name, as),
    connectTimeout: duration(cluster.connectTimeoutMs),
    lbPolicy: LB_POLICY[cluster.loadBalancing],
    typedExtensionProtocolOptions:
      transport.kind === 'plain' ? TO_APPLICATION[transport.speaks] : carriage === 'requests' ? TO_ENVOY : {},
    ...(transport.kind === 'mesh' ? { transportSocket: upstreamTls({ ...transport, carriage, as }) } : {}),
  })
}

const encodeStatic = encoder(ClusterSchema, {
  clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
  connectTimeout: duration(APPLICATION_CONNECT_MS),
  perConnectionBufferLimitBytes: CONNECTIONS.bufferBytes,
  commonLbConfig: { healthyPanicThreshold: { value: 0 } },
  circuitBreakers: NO_CIRCUIT_BREAKERS,
})

/** The cluster that leads from an inbound filter chain to the application on the same host, encoded. */
export function encodeApplicationCluster(port: InboundPort): Uint8Array {
  const name = applicationCluster(port.local)
  return encodeStatic({
    name,
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress(port.application) } } }],
        },
      ],
    },
    typedExtensionProtocolOptions: TO_APPLICATION[port.speaks],
  })
}

function httpOptions(idleMs: number, options: Given<typeof HttpProtocolOptions_ExplicitHttpConfigSchema>) {
  return {
    [HTTP_OPTIONS]: pack(HttpProtocolOptionsSchema, {
      commonHttpProtocolOptions: { idleTimeout: duration(idleMs) },
      upstreamProtocolOptions: { case: 'explicitHttpConfig', value: options },
    }),
  }
}
