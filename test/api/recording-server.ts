import { createServer as createHttp2, type Http2Server } from 'node:http2'
import { type AddressInfo, connect, type Server } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer, type TLSSocket } from 'node:tls'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { atEnd } from '../lab/at-end.js'

/** A server that looks like a control plane and keeps every byte that it is sent, as TLS has decrypted it. */
export interface RecordingServer {
  readonly address: SocketAddress
  /** All that came, once every connection has ended. */
  received(): Promise<string>
  /** How many connections were opened. */
  connections(): number
}

/** Serves HTTP/2 over TLS until the test ends; every call is answered by an empty response. */
export async function recordEverything(t: TestContext, credentials: HostCredentials): Promise<RecordingServer> {
  const chunks: Buffer[] = []
  const sockets = new Set<TLSSocket>()
  const ends: Promise<void>[] = []
  const http2 = createHttp2().on('stream', (stream) => {
    stream.on('error', () => undefined)
    stream.on('end', () => stream.respond({ ':status': 200, 'grpc-status': '14' }, { endStream: true })).resume()
  })
  const behind = await listening(http2)
  const tls = createServer(
    { key: credentials.keyPem, cert: credentials.chainPem, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] },
    (socket) => {
      sockets.add(socket)
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      const upstream = connect(behind.port, behind.address)
      for (const side of [socket, upstream]) {
        side.on('error', () => undefined)
        side.on('close', () => [socket, upstream].forEach((one) => void one.destroy()))
      }
      socket.pipe(upstream).pipe(socket)
    },
  )
  tls.on('connection', (socket) => void ends.push(new Promise((resolve) => socket.once('close', () => resolve()))))
  tls.on('tlsClientError', () => undefined)
  const address = await listening(tls)
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy()
    tls.close()
    http2.close()
  })
  return {
    address,
    connections: () => ends.length,
    async received() {
      await Promise.all(ends)
      return Buffer.concat(chunks).toString('latin1')
    },
  }
}

function listening(server: Server | Http2Server): Promise<SocketAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { address, port } = server.address() as AddressInfo
      resolve({ address, port })
    })
  })
}
