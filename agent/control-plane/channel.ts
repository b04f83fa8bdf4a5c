import { createSecureContext, type PeerCertificate } from 'node:tls'
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { readPeerCertificate } from '../../common/x509/read.js'

/** How this host proves who it is; absent while it joins. */
export interface HostCredentials {
  readonly keyPem: string
  /** Leaf first, then the intermediates. */
  readonly chainPem: string
}

/** Whom the agent believes: control planes of this trust domain whose certificates chain to one of these roots. */
export interface Trust {
  readonly trustBundlePem: string
  /** Absent only while joining, when the root's fingerprint alone is known. */
  readonly trustDomain: string | undefined
}

/**
 * The name by which agents ask for a control plane in TLS. It chooses nothing: which control plane answers is proven by
 * the SPIFFE ID in its certificate, and addresses are not allowed as server names.
 */
const SERVER_NAME = 'control-plane'

/**
 * Opens a gRPC client to a control plane over TLS 1.3. The server must present
 * `spiffe://<trust domain>/control-plane/<id>`; anything else fails before a byte is sent. The client does not pool
 * its connection, so a new client always presents the credentials that it was given.
 */
export function openChannel(address: SocketAddress, trust: Trust, host: HostCredentials | undefined): Client {
  return new Channel(address, trust, host)
}

/**
 * A client that stays closed. grpc-js does not stop the pause before its next attempt when a client is closed that could
 * not connect: it connects once more for nobody, and keeps that connection. So a closed client takes no server for the
 * right one, which ends the attempt.
 */
class Channel extends Client {
  readonly #life: { closed: boolean }

  constructor(address: SocketAddress, trust: Trust, host: HostCredentials | undefined) {
    const life = { closed: false }
    super(formatSocketAddress(address), channelCredentials(trust, host, life), OPTIONS)
    this.#life = life
  }

  override close(): void {
    this.#life.closed = true
    super.close()
  }
}

const OPTIONS = {
  'grpc.ssl_target_name_override': SERVER_NAME,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': 15_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
}

function channelCredentials(
  trust: Trust,
  host: HostCredentials | undefined,
  life: { readonly closed: boolean },
): ChannelCredentials {
  const context = createSecureContext({
    ca: trust.trustBundlePem,
    minVersion: 'TLSv1.3',
    ...(host === undefined ? {} : { key: host.keyPem, cert: host.chainPem }),
  })
  return credentials.createFromSecureContext(context, {
    checkServerIdentity: (_name, certificate) =>
      life.closed ? new Error('the client is closed') : judgeServer(certificate, trust.trustDomain),
  })
}

/** Undefined where the certificate is a control plane's; else the error with which TLS ends the connection. */
function judgeServer(certificate: Pick<PeerCertificate, 'raw'>, trustDomain: string | undefined): Error | undefined {
  const { identity } = readPeerCertificate(certificate.raw)
  if (identity?.kind !== 'control-plane') return new Error('the server is no control plane of a mesh')
  if (trustDomain === undefined || identity.trustDomain === trustDomain) return undefined
  return new Error(`the server belongs to the mesh ${identity.trustDomain}, not to ${trustDomain}`)
}
