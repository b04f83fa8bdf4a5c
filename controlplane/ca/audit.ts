import type { Log, LogFields } from '../../common/log.js'

/** How a request for a certificate ended, and why. */
export type CertificateDecision = (
  | { readonly decision: 'granted'; readonly serial: string; readonly notAfter: number }
  | { readonly decision: 'refused'; readonly reason: string }
) & {
  /** SPIFFE ID. */
  readonly identity: string
  /** The authenticated requester; absent where the control plane asks for itself. */
  readonly host?: string | undefined
}

/** How the use of a join token ended; the reason stays here, the caller learns none. */
export type TokenDecision = (
  | { readonly decision: 'granted'; readonly repeated: boolean }
  | { readonly decision: 'refused'; readonly reason: string; readonly alarm: boolean }
) & {
  /** As the presented text names it: proves nothing where the decision is `refused`. Absent: unreadable text. */
  readonly token?: string | undefined
  readonly host: string
  readonly keyHash: string
}

/** Told of every decision that is audited, to count them. */
export interface Decided {
  certificate(decision: CertificateDecision): void
  token(decision: TokenDecision): void
}

/** A log with somebody beside it who is told of what is audited. */
export interface AuditLog extends Log {
  readonly decided?: Decided
}

/** One line for each decision about a certificate. */
export function auditCertificate(log: AuditLog, decision: CertificateDecision): void {
  log.decided?.certificate(decision)
  const { notAfter, ...fields } = { notAfter: undefined, ...decision }
  const expires = notAfter === undefined ? {} : { expires: new Date(notAfter).toISOString() }
  write(log, 'certificate decision', { ...fields, ...expires }, decision.decision === 'granted' ? 'info' : 'warn')
}

/** One line for each decision about a use of a join token; an alarm is an error, since somebody may hold a stolen one. */
export function auditToken(log: AuditLog, decision: TokenDecision): void {
  log.decided?.token(decision)
  const level = decision.decision === 'granted' ? 'info' : decision.alarm ? 'error' : 'warn'
  write(log, 'token decision', decision, level)
}

/** One line for each change of an operator to tokens and hosts. */
export function auditChange(log: Log, change: string, fields: LogFields): void {
  write(log, 'identity change', { change, ...fields }, 'info')
}

function write(log: Log, message: string, fields: LogFields, level: 'info' | 'warn' | 'error'): void {
  log[level](message, { audit: true, ...fields })
}
