import { z } from 'zod'
import type { HostChanged, TokenCreated, TokenView } from '../../common/admin-api.js'
import { hostName, namePattern } from '../../common/config/fields.js'
import { suggest } from '../../common/config/suggest.js'
import type { MetricsRegistry } from '../../common/metrics/registry.js'
import { QUESTIONS, type QuestionAbout } from '../../common/questions.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { QuestionError } from '../api/questions.js'
import { HostError, type HostRegistry } from '../ca/hosts.js'
import { type JoinTokens, TokenRequestError } from '../ca/tokens.js'
import { AdminRefusal, type AdminRoute, TextAnswer } from './server.js'
import { viewHosts } from './views/hosts.js'
import { viewService } from './views/service.js'
import { viewServices } from './views/services.js'
import type { ViewSource } from './views/source.js'
import { type SelfFacts, viewStatus } from './views/status.js'
import { type OwnTarget, viewTargets } from './views/targets.js'

/** What the admin routes read and change. */
export interface AdminContext {
  readonly source: () => ViewSource
  readonly self: () => SelfFacts
  readonly tokens: JoinTokens
  readonly hosts: HostRegistry
  /** Where hosts that join find control planes. */
  readonly controlPlanes: readonly SocketAddress[]
  readonly rootFingerprint: string
  /** Ends what a banned or evicted host has open and forgets its reports. @returns how many connections there were */
  readonly disconnect: (host: string) => number
  /** Asks a host's Envoy. @throws QuestionError */
  readonly ask: (host: string, about: QuestionAbout) => Promise<string>
  readonly metrics: MetricsRegistry
  /** Where the metrics of this control plane are read; absent: nowhere. */
  readonly ownTarget: OwnTarget | undefined
}

const tokenRequest = z.strictObject({
  host: namePattern,
  services: z.array(namePattern).max(1000),
  uses: z.int().min(1).optional(),
  ttlMs: z.int().min(1).optional(),
})

/** `force`: also where nothing is known of the host. */
const hostRequest = z.strictObject({ reason: z.string().max(1000).default(''), force: z.boolean().default(false) })

/** Everything that the admin socket answers; those that only read are also on the status port. */
export function adminRoutes(context: AdminContext): readonly AdminRoute[] {
  const { source, self, tokens } = context
  return [
    { method: 'GET', path: '/v1/status', handle: () => viewStatus(source(), self()) },
    { method: 'GET', path: '/v1/hosts', handle: () => viewHosts(source()) },
    { method: 'GET', path: '/v1/services', handle: () => viewServices(source(), self().domain) },
    {
      method: 'GET',
      path: '/v1/services/:service',
      handle: ({ service = '' }) => viewService(service, source(), self()),
    },
    { method: 'GET', path: '/v1/prometheus/targets', handle: () => viewTargets(source(), context.ownTarget) },
    { method: 'GET', path: '/metrics', handle: () => expose(context.metrics) },
    { method: 'GET', path: '/v1/tokens', handle: () => viewTokens(tokens) },
    { method: 'POST', path: '/v1/tokens', handle: (_, body) => createToken(body, context) },
    { method: 'DELETE', path: '/v1/tokens/:id', handle: ({ id = '' }) => revokeToken(id, tokens) },
    { method: 'POST', path: '/v1/hosts/:host/ban', handle: ({ host = '' }, body) => ban(host, body, context) },
    { method: 'POST', path: '/v1/hosts/:host/ask/:about', handle: (asked) => askHost(asked, context) },
    { method: 'POST', path: '/v1/hosts/:host/evict', handle: ({ host = '' }, body) => evict(host, body, context) },
    { method: 'POST', path: '/v1/hosts/:host/admit', handle: ({ host = '' }) => admit(host, context) },
  ]
}

async function expose(metrics: MetricsRegistry): Promise<TextAnswer> {
  const { contentType, text } = await metrics.expose()
  return new TextAnswer(contentType, text)
}

async function createToken(body: unknown, context: AdminContext): Promise<TokenCreated> {
  const { host, services, uses, ttlMs } = parse(tokenRequest, body)
  const { controlPlanes, rootFingerprint } = context
  try {
    const { id, text, expiresAt } = await context.tokens.create({
      hosts: host,
      services,
      controlPlanes,
      rootFingerprint,
      ...(uses === undefined ? {} : { uses }),
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
    })
    return { id, token: text.reveal(), controlPlane: context.self().id, expiresAt: new Date(expiresAt).toISOString() }
  } catch (error) {
    if (error instanceof TokenRequestError) throw new AdminRefusal(400, error.message)
    throw error
  }
}

/** The tokens that can still be used. */
function viewTokens(tokens: JoinTokens): readonly TokenView[] {
  const now = Date.now()
  return tokens
    .list()
    .filter(({ revoked, expiresAt, uses, taken }) => !revoked && expiresAt > now && taken.length < uses)
    .map(({ id, hosts: host, services, uses, taken, expiresAt }) => ({
      id,
      host,
      services,
      uses,
      used: taken.length,
      expiresAt: new Date(expiresAt).toISOString(),
    }))
}

async function revokeToken(id: string, tokens: JoinTokens): Promise<{ readonly id: string }> {
  if (await tokens.revoke(id)) return { id }
  throw new AdminRefusal(404, `no token ${id}`, 'mesh token list shows those that can still be used')
}

async function ban(host: string, body: unknown, context: AdminContext): Promise<HostChanged> {
  const { hosts, disconnect } = context
  const { reason } = readHostRequest(host, body, context)
  const known = await hosts.ban(host, reason)
  return { host, known, disconnected: disconnect(host) }
}

async function evict(host: string, body: unknown, context: AdminContext): Promise<HostChanged> {
  const { hosts, disconnect } = context
  readHostRequest(host, body, context)
  const known = await hosts.evict(host)
  return { host, known, disconnected: disconnect(host) }
}

/** A slip of the pen must not pass for a ban: what is stolen would stay in the mesh. */
function readHostRequest(host: string, body: unknown, { source }: AdminContext): z.infer<typeof hostRequest> {
  const request = parse(hostRequest, body)
  parse(hostName, host)
  const names = hostNames(source())
  if (request.force || names.includes(host)) return request
  throw new AdminRefusal(404, unknownHost(host, names), '--force does it all the same, as before a host joins')
}

/** Every host of which something is known here, also one that is kept out. */
function hostNames({ enrolled, records, left }: ViewSource): readonly string[] {
  return [...enrolled.map(({ host }) => host), ...records.keys(), ...left.keys()]
}

function unknownHost(host: string, names: readonly string[]): string {
  const meant = suggest(host, names)
  return `this control plane has never heard of ${host}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

async function admit(host: string, { hosts, source }: AdminContext): Promise<HostChanged> {
  const names = hostNames(source())
  if (!names.includes(host)) throw new AdminRefusal(404, unknownHost(host, names))
  try {
    await hosts.admit(host)
  } catch (error) {
    if (error instanceof HostError) throw new AdminRefusal(404, error.message)
    throw error
  }
  return { host, known: true, disconnected: 0 }
}

/** What the host's Envoy says, as Envoy's JSON. A POST, so that the port that only reads does not offer it. */
async function askHost({ host = '', about = '' }: Readonly<Record<string, string>>, context: AdminContext) {
  const question = QUESTIONS.find((one) => one === about)
  if (question === undefined) throw new AdminRefusal(400, `nothing is known about ${about}`, QUESTIONS.join(', '))
  const known = context.source().records.has(host) || context.source().enrolled.some((one) => one.host === host)
  if (!known) throw new AdminRefusal(404, `no host ${host} has joined`, 'mesh hosts lists those that have')
  try {
    return JSON.parse(await context.ask(host, question))
  } catch (error) {
    if (error instanceof SyntaxError) throw new AdminRefusal(502, `what host ${host} answered is no JSON`)
    if (error instanceof QuestionError) throw new AdminRefusal(QUESTION_STATUS[error.reason], error.message)
    throw error
  }
}

const QUESTION_STATUS = { 'not-live': 503, busy: 429, late: 504, refused: 502 } as const

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new AdminRefusal(400, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`)
}
