import type { Bind } from '../../common/bind.js'
import { TrafficDirection } from '../../common/proto/envoy/config/core/v3/base_pb.js'
import type { FilterChainSchema } from '../../common/proto/envoy/config/listener/v3/listener_components_pb.js'
import type { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { TlsInspectorSchema } from '../../common/proto/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { CONNECTIONS, TCP_ATTEMPTS } from '../mesh/fixed-settings.js'
import type { InboundListener, InboundPort, NamedPort, UpstreamListener } from '../mesh/mesh.js'
import { inboundConnectionManager, outboundConnectionManager } from './http-connection-manager.js'
import { bindAddress, duration, type Packed, pack, socketAddress } from './messages.js'
import { applicationCluster, INBOUND_STATS, nameListener, REDIRECT_LISTENER } from './names.js'
import { tcpProxy } from './tcp-proxy.js'
import { downstreamTls } from './tls.js'

/** The own application is one. */
const INBOUND_ATTEMPTS = 1

const TLS_INSPECTOR = pack(TlsInspectorSchema, {})

const HTTP_FILTER = 'envoy.filters.network.http_connection_manager'
const TCP_FILTER = 'envoy.filters.network.tcp_proxy'

/** How long a peer may take for its TLS handshake, milliseconds; without a limit anybody could hold connections open. */
const HANDSHAKE_MS = 10_000

/**
 * A listener for other Envoys: one filter chain for each port that is served there, told apart by TLS server name. A
 * connection without TLS, or for a name that is not served, matches none and is closed.
 */
export function buildInboundListener(
  { name, address, ports }: InboundListener,
  trustDomain: string,
): Given<typeof ListenerSchema> {
  return {
    name,
    address: socketAddress(address),
    statPrefix: INBOUND_STATS,
    trafficDirection: TrafficDirection.INBOUND,
    perConnectionBufferLimitBytes: CONNECTIONS.bufferBytes,
    listenerFilters: [
      { name: 'envoy.filters.listener.tls_inspector', configType: { case: 'typedConfig', value: TLS_INSPECTOR } },
    ],
    filterChains: ports.map((port) => inboundChain(port, trustDomain)),
  }
}

function inboundChain(port: InboundPort, trustDomain: string): Given<typeof FilterChainSchema> {
  const { name, local, service, carriage, serverName } = port
  return {
    name: local,
    filterChainMatch: { serverNames: [serverName], transportProtocol: 'tls' },
    filters: [
      carriage === 'requests'
        ? networkFilter(HTTP_FILTER, inboundConnectionManager(port))
        : networkFilter(
            TCP_FILTER,
            tcpProxy('inbound', [{ cluster: applicationCluster(local), weight: 1 }], INBOUND_ATTEMPTS),
          ),
    ],
    transportSocket: downstreamTls({ service, port: name, carriage, trustDomain }),
    transportSocketConnectTimeout: duration(HANDSHAKE_MS),
  }
}

/**
 * The listener of a named port at its service's virtual address, on one of its numbers. All numbers as the additional
 * addresses of one listener would be less memory, but Envoy refuses to change such a list: the update has "duplicate
 * addresses" with the listener that it replaces.
 *
 * @param redirected whether connections come from {@link buildRedirectListener}; else it listens itself
 */
export function buildNameListener(
  port: NamedPort,
  address: SocketAddress,
  redirected: boolean,
): Given<typeof ListenerSchema> {
  const listener = outboundListener(
    nameListener(port.name, address.port, redirected),
    { kind: 'tcp', ...address },
    port,
  )
  return redirected ? { ...listener, bindToPort: false } : listener
}

/**
 * The listener to which the host's firewall sends every connection to a virtual address. It hands each to the listener of
 * the address that was called. One that no listener is for, such as a connection to this port itself, meets a chain
 * without filters and is closed: nothing is ever passed on to where it was going.
 */
export function buildRedirectListener(address: SocketAddress): Given<typeof ListenerSchema> {
  return {
    name: REDIRECT_LISTENER,
    address: socketAddress(address),
    statPrefix: REDIRECT_LISTENER,
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    enableReusePort: false,
    filterChains: [{ name: 'close' }],
  }
}

/** The listener of a declared upstream, whose calls carry the identity of the service that declared it. */
export function buildUpstreamListener(
  { name, bind, as }: UpstreamListener,
  target: NamedPort,
): Given<typeof ListenerSchema> {
  return outboundListener(name, bind, target, as)
}

function outboundListener(name: string, bind: Bind, port: NamedPort, as?: string): Given<typeof ListenerSchema> {
  return {
    name,
    address: bindAddress(bind),
    statPrefix: 'outbound',
    trafficDirection: TrafficDirection.OUTBOUND,
    perConnectionBufferLimitBytes: CONNECTIONS.bufferBytes,
    // Shared, two Envoys would take each other's connections in silence: better an error that says who is in the way.
    enableReusePort: false,
    filterChains: [
      {
        filters: [
          port.carriage === 'requests'
            ? networkFilter(HTTP_FILTER, outboundConnectionManager(port, as))
            : networkFilter(TCP_FILTER, tcpProxy('outbound', port.tcp?.to ?? [], TCP_ATTEMPTS, as)),
        ],
      },
    ],
  }
}

function networkFilter(name: string, config: Packed) {
  return { name, configType: { case: 'typedConfig' as const, value: config } }
}
