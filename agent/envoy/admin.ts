import { request } from 'node:http'
import { z } from 'zod'
import { withDeadline } from './deadline.js'

/** What Envoy says about itself at `/server_info`. */
export interface ServerInfo {
  /** `<commit>/1.40.0/Clean/RELEASE/BoringSSL` */
  readonly version: string
  readonly state: ServerState
  /** Path of the bootstrap that this Envoy was started with. */
  readonly configPath: string
  /** Seconds since this process started. */
  readonly uptime: number
}

/** `LIVE` is the state in which Envoy has its first configuration and serves. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING'

/** What one set of listeners has in hand. */
export interface Activity {
  /** Open connections. */
  readonly connections: number
  /** Requests in flight on them, for those that speak HTTP. */
  readonly requests: number
  /** How many of the connections speak HTTP; the others are tcp. */
  readonly httpConnections: number
}

/** Envoy's admin interface, over its Unix socket. Every method throws {@link AdminError} when Envoy does not answer. */
export interface EnvoyAdmin {
  serverInfo(signal: AbortSignal): Promise<ServerInfo>
  /** Whether Envoy is live and its listeners take connections, which comes a few milliseconds later. */
  ready(signal: AbortSignal): Promise<boolean>
  /** Makes health checks fail and every answer ask its caller to open a new connection elsewhere. */
  healthcheckFail(signal: AbortSignal): Promise<void>
  /** Closes the inbound listeners gracefully: they go on accepting for Envoy's `--drain-time-s`. */
  drainListeners(signal: AbortSignal): Promise<void>
  /** What the listeners and connection managers whose `stat_prefix` starts with `statPrefix` have in hand. */
  activity(statPrefix: string, signal: AbortSignal): Promise<Activity>
  /** The configuration that Envoy runs with, as Envoy's JSON; secrets are redacted by Envoy. */
  configDump(signal: AbortSignal): Promise<unknown>
}

/** Envoy's admin interface did not answer, refused, or answered with something else than Envoy does. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
  /** HTTP status; absent where there was no answer at all. */
  readonly status: number | undefined

  constructor(message: string, status: number | undefined, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/**
 * What Envoy answers a path with, as text.
 *
 * @param timeout milliseconds
 * @throws AdminError when Envoy does not answer or refuses
 */
export async function readAdmin(
  socketPath: string,
  path: string,
  timeout: number,
  signal: AbortSignal,
): Promise<string> {
  const answer = await withDeadline(timeout, signal, (bounded) => send(socketPath, 'GET', path, bounded))
  if (answer.status !== 200) throw new AdminError(`Envoy answers ${path} with ${answer.status}`, answer.status)
  return answer.body
}

/** A client for the admin interface at this Unix socket; each call is bounded by `timeout` milliseconds. */
export function createEnvoyAdmin(socketPath: string, timeout = 2000): EnvoyAdmin {
  const call = async (method: 'GET' | 'POST', path: string, signal: AbortSignal): Promise<string> => {
    const answer = await withDeadline(timeout, signal, (bounded) => send(socketPath, method, path, bounded))
    if (answer.status !== 200) throw new AdminError(`Envoy answers ${path} with ${answer.status}`, answer.status)
    return answer.body
  }
  const stats = async (pattern: string, signal: AbortSignal): Promise<readonly Stat[]> => {
    return parseStats(await call('GET', `/stats?format=json&filter=${encodeURIComponent(pattern)}`, signal))
  }
  return {
    serverInfo: async (signal) => parseServerInfo(await call('GET', '/server_info', signal)),
    ready: async (signal) => {
      if (!(await isLive(call('GET', '/ready', signal)))) return false
      const [started] = await stats('^listener_manager\\.workers_started$', signal)
      return started?.value === 1
    },
    healthcheckFail: async (signal) => void (await call('POST', '/healthcheck/fail', signal)),
    drainListeners: async (signal) => void (await call('POST', '/drain_listeners?graceful&inboundonly', signal)),
    activity: async (statPrefix, signal) => {
      const pattern = `^(listener|http)\\.${escapePattern(statPrefix)}[^.]*\\.downstream_(cx|rq)_active$`
      return sumActivity(await stats(pattern, signal))
    },
    configDump: async (signal) => parseAnswer('/config_dump', z.unknown(), await call('GET', '/config_dump', signal)),
  }
}

/** `/ready` says 503 until Envoy is live: that is an answer, not a failure. */
async function isLive(answer: Promise<string>): Promise<boolean> {
  try {
    return (await answer).trim() === 'LIVE'
  } catch (error) {
    if (error instanceof AdminError && error.status === 503) return false
    throw error
  }
}

const serverInfoAnswer = z.object({
  version: z.string(),
  state: z.enum(['LIVE', 'DRAINING', 'PRE_INITIALIZING', 'INITIALIZING']),
  uptime_current_epoch: z.string(),
  command_line_options: z.object({ config_path: z.string() }),
})

function parseServerInfo(body: string): ServerInfo {
  const info = parseAnswer('/server_info', serverInfoAnswer, body)
  return {
    version: info.version,
    state: info.state,
    configPath: info.command_line_options.config_path,
    uptime: Number.parseInt(info.uptime_current_epoch, 10),
  }
}

const numericStat = z.object({ name: z.string(), value: z.number() })

type Stat = z.infer<typeof numericStat>

/** Texts and histograms, which Envoy puts into the same list, are left out. */
function parseStats(body: string): readonly Stat[] {
  const { stats } = parseAnswer('/stats', z.object({ stats: z.array(z.unknown()) }), body)
  return stats.flatMap((stat) => numericStat.safeParse(stat).data ?? [])
}

function parseAnswer<T>(path: string, schema: z.ZodType<T>, body: string): T {
  try {
    return schema.parse(JSON.parse(body))
  } catch (cause) {
    throw new AdminError(`Envoy answers ${path} with something that cannot be read`, 200, { cause })
  }
}

function sumActivity(stats: readonly Stat[]): Activity {
  const sum = (pattern: RegExp) => {
    return stats.filter(({ name }) => pattern.test(name)).reduce((total, { value }) => total + value, 0)
  }
  return {
    connections: sum(/^listener\..*\.downstream_cx_active$/),
    requests: sum(/^http\..*\.downstream_rq_active$/),
    httpConnections: sum(/^http\..*\.downstream_cx_active$/),
  }
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** One request on a connection of its own, so that nothing is left open towards an Envoy that is going away. */
function send(socketPath: string, method: string, path: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      reject(new AdminError(`Envoy's admin interface at ${socketPath} does not answer`, undefined, { cause }))
    }
    const call = request({ socketPath, method, path, signal, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', fail)
    })
    call.on('error', fail)
    call.end()
  })
}
