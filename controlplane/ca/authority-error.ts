/** Why a CA cannot be used. */
export type AuthorityReason =
  | 'missing'
  | 'exists'
  | 'permissions'
  | 'malformed'
  | 'key-mismatch'
  | 'not-chained'
  | 'not-in-bundle'
  | 'foreign'
  | 'expired'
  | 'not-yet-valid'

/** A CA that is missing, or that must not sign; the message names the file and what to do. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError'
  readonly reason: AuthorityReason

  constructor(reason: AuthorityReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}
