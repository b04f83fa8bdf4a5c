import { randomBytes } from 'node:crypto'
import { namePattern } from '../../common/config/fields.js'
import { formatToken, type JoinToken, JoinTokenError, parseToken } from '../../common/join-token.js'
import { type Log, Secret } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import type { StateFile } from '../state-file.js'
import { auditChange, auditToken } from './audit.js'
import { GuessAlarm } from './guess-alarm.js'
import {
  hashSecret,
  type StoredToken,
  type TokenReason,
  type TokensState,
  type TokenUse,
  takeUse,
} from './token-use.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** How long tokens live: unless told otherwise, at most for one host, at most for a pattern of hosts. */
export const TOKEN_TTL_MS = { default: 10 * MINUTE_MS, host: HOUR_MS, pattern: 24 * HOUR_MS } as const

const MAX_USES = 10_000

/** Tokens are listed for a week after their end, so that an operator can see what became of them. */
const KEPT_MS = 7 * 24 * HOUR_MS

/** A token that cannot be made as it was asked for; the message is for the operator. */
export class TokenRequestError extends Error {
  override readonly name = 'TokenRequestError'
}

/**
 * A use that was refused. The message is the same for every reason, since an answer that differs would tell who guesses
 * when he is near; `reason` is for logs and never leaves the control plane.
 */
export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly reason: TokenReason

  constructor(reason: TokenReason) {
    super('the join token is not accepted: it is unknown, used, expired, revoked, or for another host')
    this.reason = reason
  }
}

/** What an operator wants a token to grant. */
export interface TokenRequest {
  /** A host name, or a pattern that ends in `*`. */
  readonly hosts: string
  /** Names or patterns of services that the host may then run. */
  readonly services: readonly string[]
  /** How many keys may join by it; 1 unless given. */
  readonly uses?: number
  /** Milliseconds; see {@link TOKEN_TTL_MS}. */
  readonly ttl?: number
  /** What the host is told beside. */
  readonly controlPlanes: readonly SocketAddress[]
  readonly rootFingerprint: string
}

/** A token as operators may see it. */
export type ListedToken = Omit<StoredToken, 'secretHash'>

/** What the tokens need. */
export interface JoinTokensOptions {
  /** Opened with `tokensState`. */
  readonly file: StateFile<TokensState>
  readonly log: Log
  readonly random?: (size: number) => Buffer
}

/** The join tokens of a control plane: each use is on the disk before anybody is let in by it. */
export class JoinTokens {
  readonly #file: StateFile<TokensState>
  readonly #log: Log
  readonly #random: (size: number) => Buffer
  readonly #guesses = new GuessAlarm()

  constructor({ file, log, random = randomBytes }: JoinTokensOptions) {
    this.#file = file
    this.#log = log
    this.#random = random
  }

  /**
   * Makes a token. Its text is told this once; afterwards only the hash of its secret exists.
   *
   * @throws TokenRequestError when more is asked for than a token may grant; StateFileError when it cannot be recorded
   */
  async create(
    request: TokenRequest,
    now: number = Date.now(),
  ): Promise<{ id: string; text: Secret; expiresAt: number }> {
    const { hosts, services, uses, ttl } = checkTokenRequest(request)
    const id = this.#random(8).toString('hex')
    const secret = this.#random(32).toString('base64url')
    const { controlPlanes, rootFingerprint } = request
    const text = formatToken({ id, secret: new Secret(secret), controlPlanes, rootFingerprint })
    const expiresAt = now + ttl
    const secretHash = hashSecret(secret).toString('hex')
    const token = { id, secretHash, hosts, services, uses, createdAt: now, expiresAt, revoked: false, taken: [] }
    await this.#file.update(({ tokens }) => {
      const kept = tokens.filter((other) => other.expiresAt + KEPT_MS > now)
      return { state: { tokens: [...kept, token] }, result: undefined }
    })
    auditChange(this.#log, 'token created', {
      token: id,
      hosts,
      services,
      uses,
      expires: new Date(expiresAt).toISOString(),
    })
    return { id, text, expiresAt }
  }

  /**
   * Takes one use of a token for a host and its key, in one step: checked, taken and on the disk before it is answered.
   * The same key may ask again. Every decision is audited; another key after the last use raises an alarm.
   *
   * @returns the services (names or patterns) that the token grants
   * @throws TokenError, the same to look at for every reason; StateFileError when the use cannot be recorded
   */
  async use(text: string, use: TokenUse): Promise<{ readonly granted: readonly string[] }> {
    const { host, keyHash } = use
    const presented = parsePresented(text)
    const token = presented?.id
    const refuse = (reason: TokenReason) => {
      auditToken(this.#log, { decision: 'refused', reason, alarm: reason === 'used-up', token, host, keyHash })
      if (this.#guesses.note(reason, use.now)) this.#log.error('somebody guesses at join tokens', { lastHost: host })
      return new TokenError(reason)
    }
    if (presented === undefined) throw refuse('malformed')
    const outcome = await this.#take(presented, use).catch((error) => {
      refuse('not-recorded')
      throw error
    })
    if ('refused' in outcome) throw refuse(outcome.refused)
    auditToken(this.#log, { decision: 'granted', repeated: outcome.repeated, token, host, keyHash })
    return { granted: outcome.token.services }
  }

  /** All tokens, ended ones too, the newest last. */
  list(): readonly ListedToken[] {
    return this.#file.state.tokens.map(({ secretHash: _, ...token }) => token)
  }

  /** Ends a token now; hosts that joined by it stay. @returns whether there is such a token */
  async revoke(id: string): Promise<boolean> {
    const found = await this.#file.update((state) => {
      if (!state.tokens.some((token) => token.id === id)) return { state, result: false }
      const tokens = state.tokens.map((token) => (token.id === id ? { ...token, revoked: true } : token))
      return { state: { tokens }, result: true }
    })
    if (found) auditChange(this.#log, 'token revoked', { token: id })
    return found
  }

  #take({ id, secret }: JoinToken, use: TokenUse) {
    return this.#file.update((state) => {
      const stored = state.tokens.find((token) => token.id === id)
      const result = takeUse(stored, secret.reveal(), use)
      if ('refused' in result || result.repeated) return { state, result }
      const tokens = state.tokens.map((token) => (token.id === id ? result.token : token))
      return { state: { tokens }, result }
    })
  }
}

function parsePresented(text: string): JoinToken | undefined {
  try {
    return parseToken(text)
  } catch (error) {
    if (error instanceof JoinTokenError) return undefined
    throw error
  }
}

/** Fills in what was left open. @throws TokenRequestError */
function checkTokenRequest({ hosts, services, uses = 1, ttl = TOKEN_TTL_MS.default, controlPlanes }: TokenRequest) {
  for (const pattern of [hosts, ...services]) {
    if (!namePattern.safeParse(pattern).success) {
      throw new TokenRequestError(`${JSON.stringify(pattern)} is not a name or a name that ends in "*"`)
    }
  }
  if (controlPlanes.length === 0) throw new TokenRequestError('a token needs the address of a control plane')
  if (!Number.isInteger(uses) || uses < 1 || uses > MAX_USES) {
    throw new TokenRequestError(`a token has 1 to ${MAX_USES} uses, not ${uses}`)
  }
  const kind = hosts.endsWith('*') ? 'pattern' : 'host'
  if (!(ttl > 0 && ttl <= TOKEN_TTL_MS[kind])) {
    const hours = TOKEN_TTL_MS[kind] / HOUR_MS
    throw new TokenRequestError(`a token for ${kind === 'host' ? 'one host' : 'a pattern'} lives at most ${hours}h`)
  }
  return { hosts, services, uses, ttl }
}
