import { createHash, X509Certificate } from 'node:crypto'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'

/** How long a control plane may take to show its certificates, milliseconds. */
const TIMEOUT_MS = 10_000

/** The server at the address of a join token does not have the root certificate whose fingerprint the token carries. */
export class ForeignControlPlane extends Error {
  readonly address: SocketAddress

  constructor(address: SocketAddress) {
    super(`the server at ${formatSocketAddress(address)} does not have the root certificate that the token names`)
    this.address = address
  }
}

/**
 * Fetches the mesh's root certificate from a control plane, by the fingerprint in the join token. Nothing is sent to
 * the server but the TLS handshake, and nothing else of it is believed: who uses the root verifies the server anew.
 *
 * @param fingerprint SHA-256 of the root's DER, lower-case hex
 * @returns the root as PEM
 * @throws ForeignControlPlane where no certificate that the server shows has the fingerprint
 */
export async function findRoot(address: SocketAddress, fingerprint: string): Promise<string> {
  for (const der of await shownCertificates(address)) {
    if (createHash('sha256').update(der).digest('hex') === fingerprint) return new X509Certificate(der).toString()
  }
  throw new ForeignControlPlane(address)
}

function shownCertificates({ address, port }: SocketAddress): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      servername: 'control-plane',
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      // The chain is judged by the fingerprint alone; no root is known yet that could verify it.
      rejectUnauthorized: false,
    })
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
    socket.once('secureConnect', () => {
      const chain = chainOf(socket.getPeerCertificate(true))
      socket.destroy()
      resolve(chain)
    })
    socket.once('error', (cause) =>
      reject(new Error(`no TLS connection to ${formatSocketAddress({ address, port })}`, { cause })),
    )
  })
}

function chainOf(leaf: DetailedPeerCertificate): readonly Buffer[] {
  const chain: Buffer[] = []
  for (let next: DetailedPeerCertificate | undefined = leaf; next?.raw !== undefined; next = next.issuerCertificate) {
    // A root is its own issuer.
    if (chain.at(-1)?.equals(next.raw) === true) break
    chain.push(next.raw)
  }
  return chain
}
