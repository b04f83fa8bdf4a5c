import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { describeError, type Log } from '../log.js'
import { formatSocketAddress, type SocketAddress } from '../socket-address.js'
import { delay, type Task } from '../tasks.js'
import type { MetricsRegistry } from './registry.js'

/** How long after a failure the port is tried again, milliseconds. */
const RETRY_MS = 10_000

/**
 * Serves `GET /metrics` on an address of its own, and nothing else. A port that is taken is told once and tried again:
 * who cannot be watched still does its work.
 *
 * @param retry milliseconds until it is tried again
 */
export function serveMetrics(address: SocketAddress, metrics: MetricsRegistry, log: Log, retry = RETRY_MS): Task {
  const at = formatSocketAddress(address)
  return async (signal) => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      const server = createServer((request, response) => void answer(request, response, metrics, log))
      try {
        server.listen(address.port, address.address)
        await once(server, 'listening', { signal })
        log.info('metrics are served', { address: at })
        await closed(server, signal)
      } catch (error) {
        if (signal.aborted) return
        if (attempt === 1) log.error('metrics are not served yet', { address: at, error: describeError(error) })
        await delay(retry, signal)
      }
    }
  }
}

async function answer(
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
  metrics: MetricsRegistry,
  log: Log,
): Promise<void> {
  if (url.split('?')[0] !== '/metrics') return refuse(response, 404, 'only /metrics is served here')
  if (method !== 'GET' && method !== 'HEAD')
    return refuse(response, 405, 'GET reads the metrics', { allow: 'GET, HEAD' })
  try {
    const { contentType, text } = await metrics.expose()
    response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }).end(text)
  } catch (error) {
    log.error('metrics could not be read', { error })
    refuse(response, 500, 'the metrics could not be read; the log says why')
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${text}\n`)
}

/** Resolves when the signal has aborted and the server is closed. @throws what ends the server before */
function closed(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const stop = () => {
      server.close(() => resolve())
      server.closeAllConnections()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
