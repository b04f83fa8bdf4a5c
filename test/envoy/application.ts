import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { SocketAddress } from '../../common/socket-address.js'

/** A request as an application saw it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** An application of the lab, in the process of the test. */
export interface Application {
  /** Requests in the order in which they came. */
  readonly seen: SeenRequest[]
  /** Stops listening and cuts all connections, as a process does that is killed. */
  readonly stop: () => Promise<void>
}

/** Starts an HTTP application; unless `answer` says otherwise it answers with its name. */
export async function startHttp(
  { address, port }: SocketAddress,
  name: string,
  answer: (request: SeenRequest, response: ServerResponse) => void = (_, response) => response.end(name),
): Promise<Application> {
  const seen: SeenRequest[] = []
  const server = createHttpServer((incoming, response) => {
    const { method = '', url = '', headers } = incoming
    const one = { method, path: url, headers }
    seen.push(one)
    incoming.resume()
    answer(one, response)
  })
  return { seen, stop: await listen(server, address, port) }
}

/** Starts an application that speaks first: it greets whoever connects, and repeats what it is sent. */
export async function startGreeter({ address, port }: SocketAddress, greeting: string): Promise<Application> {
  const server = createServer((socket) => {
    socket.write(greeting)
    socket.pipe(socket)
  })
  return { seen: [], stop: await listen(server, address, port) }
}

async function listen(server: Server, address: string, port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()) // Envoy may cut a connection at any time
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port, address)
  await once(server, 'listening')
  return async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
}

/** An answer as the calling application gets it. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends one request on a connection of its own, its path unchanged. */
export function ask(
  { address, port }: SocketAddress,
  path = '/',
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {} } = options
  return new Promise((resolve, reject) => {
    const target = { host: address, port, path, method, headers, agent: false, timeout: 10_000 }
    const outgoing = request(target, async (response) => {
      let text = ''
      for await (const part of response.setEncoding('utf8')) text += part
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Sends these bytes and tells all that comes back until the other side closes. */
export async function askRaw({ address, port }: SocketAddress, bytes: string): Promise<string> {
  const socket = connect(port, address)
  socket.setEncoding('utf8')
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
  socket.write(bytes)
  let text = ''
  for await (const part of socket) text += part
  return text
}

/** Connects and tells what comes until `enough` characters are there or the other side closes. */
export async function readGreeting({ address, port }: SocketAddress, enough: number): Promise<string> {
  const socket = connect(port, address)
  let text = ''
  socket.setEncoding('utf8')
  socket.setTimeout(10_000, () => socket.destroy(new Error('nothing came within 10 s')))
  try {
    for await (const part of socket) {
      text += part
      if (text.length >= enough) break
    }
    return text
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') return text
    throw error
  } finally {
    socket.destroy()
  }
}
