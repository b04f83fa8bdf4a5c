import { createHash } from 'node:crypto'
import { z } from 'zod'
import { matchesPattern } from '../../common/config/fields.js'
import { DNS_NAME } from '../../common/identity.js'
import { equalInConstantTime } from '../../common/x509/keys.js'

const taken = z.strictObject({ host: z.string(), keyHash: z.string(), at: z.number() }).readonly()

const token = z
  .strictObject({
    id: z.string(),
    /** SHA-256 of the secret, hex; the secret itself is nowhere. */
    secretHash: z.string(),
    /** Name or pattern. */
    hosts: z.string(),
    services: z.array(z.string()).readonly(),
    uses: z.int().min(1),
    createdAt: z.number(),
    expiresAt: z.number(),
    revoked: z.boolean(),
    taken: z.array(taken).readonly(),
  })
  .readonly()

/** The file of join tokens. */
export const tokensState = z.strictObject({ tokens: z.array(token).readonly() }).readonly()

/** All tokens that may matter still. */
export type TokensState = z.infer<typeof tokensState>

/** One token as it is stored; times are wall-clock milliseconds. */
export type StoredToken = z.infer<typeof token>

/** One attempt to use a token. */
export interface TokenUse {
  /** The name under which the host wants to join. */
  readonly host: string
  /** Hash of the CSR's key. */
  readonly keyHash: string
  /** Wall-clock milliseconds. */
  readonly now: number
}

/** Why a use was refused: for the audit, never for the caller. */
export type TokenReason =
  | 'malformed'
  | 'unknown'
  | 'wrong-secret'
  | 'revoked'
  | 'expired'
  | 'wrong-host'
  | 'used-up'
  | 'key-of-another-host'
  | 'not-recorded'

/** What comes of a use: the token after it, or why it is refused (then nothing changes). */
export type UseOutcome = { readonly token: StoredToken; readonly repeated: boolean } | { readonly refused: TokenReason }

/**
 * The life of a token, one use at a time, without I/O. A key that has taken a use may ask again for as long as the token
 * lives, since its answer may have been lost; every other key takes a use of its own, until there is none left.
 */
export function takeUse(token: StoredToken | undefined, secret: string, use: TokenUse): UseOutcome {
  // An unknown token is compared too, so that its answer takes as long as that of a wrong secret.
  const matches = equalInConstantTime(hashSecret(secret), Buffer.from(token?.secretHash ?? '0'.repeat(64), 'hex'))
  if (token === undefined) return { refused: 'unknown' }
  if (!matches) return { refused: 'wrong-secret' }
  if (token.revoked) return { refused: 'revoked' }
  if (use.now >= token.expiresAt) return { refused: 'expired' }
  if (!DNS_NAME.test(use.host) || !matchesPattern(token.hosts, use.host)) return { refused: 'wrong-host' }
  const before = token.taken.find(({ keyHash }) => keyHash === use.keyHash)
  if (before !== undefined) {
    return before.host === use.host ? { token, repeated: true } : { refused: 'key-of-another-host' }
  }
  if (token.taken.length >= token.uses) return { refused: 'used-up' }
  const now = { host: use.host, keyHash: use.keyHash, at: use.now }
  return { token: { ...token, taken: [...token.taken, now] }, repeated: false }
}

/** SHA-256: enough for a secret of 256 random bits, which no dictionary holds. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
