import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import type { AdminError } from '../../common/admin-api.js'
import { makeDirectory } from '../../common/files.js'
import { describeError, type Log } from '../../common/log.js'
import { parseSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import type { Task } from '../../common/tasks.js'
import { refuseTakenSocket } from './taken-socket.js'

/** A request that is refused, with its HTTP status. */
export class AdminRefusal extends Error {
  readonly status: number
  readonly hint: string | undefined

  constructor(status: number, message: string, hint?: string) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** An answer that is not JSON. */
export class TextAnswer {
  readonly contentType: string
  readonly text: string

  constructor(contentType: string, text: string) {
    this.contentType = contentType
    this.text = text
  }
}

/**
 * What a path answers. The handler gets the values of the path's `:name` parts and the request's JSON; what it returns
 * is sent as JSON, unless it is a {@link TextAnswer}.
 */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** `/v1/hosts/:host/ban` */
  readonly path: string
  readonly handle: (parameters: Readonly<Record<string, string>>, body: unknown) => unknown
}

/** Longest request body, bytes. */
const MAX_BODY = 64 * 1024

/** Serves all routes on a Unix socket: whoever may open it (mode 0660, by its directory's group) may change things. */
export function serveAdminSocket(path: string, routes: readonly AdminRoute[], log: Log): Task {
  return async (signal) => {
    await makeDirectory(dirname(path), 0o750)
    await refuseTakenSocket(path)
    await rm(path, { force: true })
    const server = createServer((request, response) => void answer(routes, request, response, log))
    await listening(server, () => server.listen(path))
    await chmod(path, 0o660)
    await closed(server, signal)
    await rm(path, { force: true })
  }
}

/**
 * Serves the routes that only read on a TCP port. The Host header must be an address or localhost, so that a web page that
 * a browser has open cannot read it by rebinding a name of its own.
 */
export function serveStatusPort(address: SocketAddress, routes: readonly AdminRoute[], log: Log): Task {
  const reading = routes.filter(({ method }) => method === 'GET')
  return async (signal) => {
    const server = createServer((request, response) => {
      if (isNoName(request.headers.host)) return void answer(reading, request, response, log)
      send(response, 403, { error: 'this name is not served here' })
    })
    await listening(server, () => server.listen(address.port, address.address))
    await closed(server, signal)
  }
}

function isNoName(host = ''): boolean {
  const name = parseSocketAddress(host.includes(':') ? host : `${host}:80`)?.address ?? ''
  return name === 'localhost' || isIP(name) !== 0
}

async function answer(routes: readonly AdminRoute[], request: IncomingMessage, response: ServerResponse, log: Log) {
  try {
    const { handle, parameters } = findRoute(routes, request)
    const body = request.method === 'POST' ? await readJson(request) : undefined
    send(response, 200, await handle(parameters, body))
  } catch (error) {
    if (!(error instanceof AdminRefusal)) log.error('admin request failed', { error, path: request.url })
    const status = error instanceof AdminRefusal ? error.status : 500
    const hint = error instanceof AdminRefusal ? error.hint : undefined
    send(response, status, {
      error: describeError(error),
      ...(hint === undefined ? {} : { hint }),
    } satisfies AdminError)
  }
}

function findRoute(routes: readonly AdminRoute[], { method, url = '/' }: IncomingMessage) {
  const path = url.split('?')[0] ?? '/'
  for (const route of routes) {
    const parameters = matchPath(route.path, path)
    if (parameters !== undefined && route.method === (method === 'HEAD' ? 'GET' : method))
      return { handle: route.handle, parameters }
  }
  throw new AdminRefusal(404, `nothing answers ${method} ${path}`)
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = decode(given[index] ?? '')
    if (part.startsWith(':')) parameters[part.slice(1)] = value
    else if (part !== value) return undefined
  }
  return parameters
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AdminRefusal(400, `${part} in the path is malformed`)
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) throw new AdminRefusal(413, 'the request is too long')
    chunks.push(chunk)
  }
  if (size === 0) return {}
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new AdminRefusal(400, 'the request is not JSON')
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const { contentType, text } =
    body instanceof TextAnswer ? body : new TextAnswer('application/json', `${JSON.stringify(body)}\n`)
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(text)
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
    listen()
  })
}

function closed(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      server.close(() => resolve())
      server.closeAllConnections()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
