import { TcpProxySchema } from '../../common/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { TCP_IDLE_MS } from '../mesh/fixed-settings.js'
import type { WeightedCluster } from '../mesh/mesh.js'
import { duration, type Packed, pack } from './messages.js'
import { asIdentity } from './names.js'

/**
 * Passes a connection on to one of these clusters, chosen by weight for each connection.
 *
 * @param attempts how many endpoints are tried before the caller's connection is closed
 */
export function tcpProxy(statPrefix: string, to: readonly WeightedCluster[], attempts: number, as?: string): Packed {
  const [only, ...more] = to
  return pack(TcpProxySchema, {
    statPrefix,
    clusterSpecifier:
      only !== undefined && more.length === 0
        ? { case: 'cluster', value: asIdentity(only.cluster, as) }
        : {
            case: 'weightedClusters',
            value: { clusters: to.map(({ cluster, weight }) => ({ name: asIdentity(cluster, as), weight })) },
          },
    idleTimeout: duration(TCP_IDLE_MS),
    maxConnectAttempts: attempts,
  })
}
