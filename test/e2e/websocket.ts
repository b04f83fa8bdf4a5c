import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { Socket } from 'node:net'
import type { Application } from './application.js'
import type { Target } from './client.js'

/** Starts an application that takes WebSockets and repeats each text; other requests it answers with 200. */
export async function startWebSocket(address: string, port: number): Promise<Application> {
  const sockets = new Set<Socket>()
  const server = createServer((_, response) => response.end())
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (incoming, socket: Socket) => {
    socket.on('error', () => socket.destroy())
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(
        String(incoming.headers['sec-websocket-key']),
      )}\r\n\r\n`,
    )
    socket.on('data', (frame: Buffer) => socket.write(textFrame(readFrame(frame))))
  })
  server.listen(port, address)
  await once(server, 'listening')
  return {
    async end() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** An open WebSocket of an application. */
export interface WebSocketClient {
  /** Sends a text and tells what comes back. @throws when the socket is closed */
  readonly say: (text: string) => Promise<string>
  readonly close: () => void
}

/** Opens a WebSocket. @throws where the answer is anything but 101 with the right proof */
export async function openWebSocket({ address, port, host = address }: Target): Promise<WebSocketClient> {
  const key = randomBytes(16).toString('base64')
  const headers = {
    host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
  }
  const socket = await new Promise<Socket>((resolve, reject) => {
    const outgoing = request({ host: address, port, path: '/socket', headers, agent: false })
    outgoing.on('upgrade', (response, upgraded: Socket) => {
      if (response.headers['sec-websocket-accept'] === acceptOf(key)) resolve(upgraded)
      else reject(new Error('the answer proves no WebSocket'))
    })
    outgoing.on('response', ({ statusCode }) => reject(new Error(`refused with ${statusCode}`)))
    outgoing.on('error', reject)
    outgoing.end()
  })
  return {
    say: async (text) => {
      const bounds = new AbortController()
      const bounded = { signal: AbortSignal.any([bounds.signal, AbortSignal.timeout(10_000)]) }
      const closed = once(socket, 'close', bounded).then(() => {
        throw new Error('the WebSocket is closed')
      })
      const answered = once(socket, 'data', bounded).then(([frame]) => readFrame(frame as Buffer))
      socket.write(textFrame(text, randomBytes(4)))
      return Promise.race([answered, closed]).finally(() => bounds.abort())
    },
    close: () => socket.destroy(),
  }
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** One frame with a short text; what a client sends is masked. */
function textFrame(text: string, mask?: Buffer): Buffer {
  const payload = Buffer.from(text)
  if (mask === undefined) return Buffer.concat([Buffer.from([0x81, payload.length]), payload])
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked(payload, mask)])
}

function readFrame(frame: Buffer): string {
  const [, length = 0] = frame
  if ((length & 0x80) === 0) return frame.subarray(2).toString()
  return masked(frame.subarray(6), frame.subarray(2, 6)).toString()
}

function masked(payload: Buffer, mask: Buffer): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)))
}
