import { z } from 'zod'
import { Secret } from './log.js'
import { formatSocketAddress, parseSocketAddress, type SocketAddress } from './socket-address.js'

/** All that a host needs to join a mesh. */
export interface JoinToken {
  /** Names the token in lists and logs; tells nothing of its secret. */
  readonly id: string
  readonly secret: Secret
  /** Where control planes answer, in the order in which to try them. */
  readonly controlPlanes: readonly SocketAddress[]
  /** SHA-256 of the root certificate's DER, lower-case hex: checked before the token is sent to anybody. */
  readonly rootFingerprint: string
}

/** Text that is no join token; the message never holds a part of it. */
export class JoinTokenError extends Error {
  override readonly name = 'JoinTokenError'
}

const PREFIX = 'mesh1.'
const MAX_LENGTH = 4096

const content = z.strictObject({
  v: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  controlPlanes: z.array(z.string()).min(1),
  root: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Writes a token as the one line that an operator hands to a host. */
export function formatToken({ id, secret, controlPlanes, rootFingerprint }: JoinToken): Secret {
  const json = JSON.stringify({
    v: 1,
    id,
    secret: secret.reveal(),
    controlPlanes: controlPlanes.map(formatSocketAddress),
    root: rootFingerprint,
  } satisfies z.infer<typeof content>)
  return new Secret(`${PREFIX}${Buffer.from(json).toString('base64url')}`)
}

/** The inverse of {@link formatToken}; white space around the token is forgiven. @throws JoinTokenError */
export function parseToken(text: string): JoinToken {
  const trimmed = text.trim()
  if (!trimmed.startsWith(PREFIX)) throw new JoinTokenError(`a join token starts with "${PREFIX}"`)
  if (trimmed.length > MAX_LENGTH) throw new JoinTokenError('the join token is too long')
  const { id, secret, controlPlanes, root } = parseContent(trimmed.slice(PREFIX.length))
  return { id, secret: new Secret(secret), controlPlanes: controlPlanes.map(parseAddress), rootFingerprint: root }
}

function parseContent(base64url: string): z.infer<typeof content> {
  const bytes = Buffer.from(base64url, 'base64url')
  const result = bytes.toString('base64url') === base64url ? content.safeParse(parseJson(bytes)) : undefined
  if (result?.success !== true) throw new JoinTokenError('the join token is damaged; copy it again as a whole')
  return result.data
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    // The lower error is left out on purpose: it quotes the text, which is a secret.
    return undefined
  }
}

function parseAddress(text: string): SocketAddress {
  const address = parseSocketAddress(text)
  if (address === undefined) throw new JoinTokenError('the join token names a control plane by no valid address')
  return address
}
