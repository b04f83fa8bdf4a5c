import { connect, type Socket } from 'node:net'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import type { HeldKeyPair } from '../../agent/identity/certificates.js'
import type { SocketAddress } from '../../common/socket-address.js'

/** What somebody presents at an inbound listener. */
export interface Knock {
  /** Absent: no certificate. */
  readonly pair?: HeldKeyPair
  /** The server name that is asked for. */
  readonly name: string
  readonly maxVersion?: SecureVersion
}

/** What opens an HTTP/2 connection: the preface and an empty SETTINGS frame. */
const HELLO = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])

/**
 * Connects, by TLS or in plain text, and speaks first. What the listener presents is not looked at.
 *
 * @returns `answered` when a byte of the service comes back, `refused` when the connection ends without one
 */
export function knock({ address, port }: SocketAddress, as: Knock | 'plain text'): Promise<'answered' | 'refused'> {
  const socket = as === 'plain text' ? connect(port, address) : openTls(address, port, as)
  return new Promise((resolve, reject) => {
    socket.setTimeout(10_000, () => reject(new Error('neither answered nor refused within 10 s')))
    socket.on('data', () => resolve('answered'))
    socket.on('error', () => resolve('refused'))
    socket.on('close', () => resolve('refused'))
    socket.on(as === 'plain text' ? 'connect' : 'secureConnect', () => socket.write(HELLO))
  }).finally(() => socket.destroy()) as Promise<'answered' | 'refused'>
}

function openTls(host: string, port: number, { pair, name, maxVersion }: Knock): Socket {
  return connectTls({
    host,
    port,
    servername: name,
    ALPNProtocols: name.includes('ledger') ? [] : ['h2'],
    rejectUnauthorized: false,
    ...(pair === undefined ? {} : { key: pair.keyPem, cert: pair.chainPem }),
    // What is old is switched off in OpenSSL too; a refusal has to be the listener's.
    ...(maxVersion === undefined ? {} : { maxVersion, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  })
}
