import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Http2Events } from './http2.js'
import { Http2Connection } from './http2.js'

/** Where a server of a benchmark listens. */
export interface ServerAddress {
  readonly address: string
  readonly port: number
  /** Roots by which it is believed; absent: plain text. */
  readonly trustBundlePem?: string
}

/** How a host proves who it is. */
export interface Credentials {
  readonly keyPem: string
  readonly chainPem: string
}

/** A host's credentials as TLS takes them: making them costs more than a connection, so it is done before. */
export function prepare({ trustBundlePem }: ServerAddress, credentials: Credentials | undefined) {
  if (trustBundlePem === undefined || credentials === undefined) return undefined
  const { keyPem: key, chainPem: cert } = credentials
  return createSecureContext({ ca: trustBundlePem, key, cert, minVersion: 'TLSv1.3' })
}

/**
 * Opens a connection from an address of its own, as hosts have them.
 *
 * @param index which host it is
 */
export async function openConnection(
  { address, port }: ServerAddress,
  index: number,
  secureContext: SecureContext | undefined,
): Promise<(events: Http2Events) => Http2Connection> {
  const localAddress = `127.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255 || 1}`
  const socket = await connected(connect({ host: address, port, localAddress, noDelay: true }), 'connect')
  if (secureContext === undefined) return (events) => new Http2Connection(socket, events)
  const options = { socket, secureContext, ALPNProtocols: ['h2'], servername: 'control-plane' }
  const secure = await connected(connectTls({ ...options, checkServerIdentity: () => undefined }), 'secureConnect')
  return (events) => new Http2Connection(secure, events)
}

async function connected<S extends Socket>(socket: S, event: string): Promise<S> {
  await once(socket, event)
  return socket
}
