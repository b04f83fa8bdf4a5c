import { formatSpiffeId, type Identity } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import { type Csr, CsrError, type CsrReason, parseCsr } from '../../common/x509/csr.js'
import { encodePem } from '../../common/x509/pem.js'
import { auditCertificate } from './audit.js'
import type { Authority } from './authority.js'
import { type CsrPolicyReason, judgeCsr } from './csr-policy.js'
import { signTemplate } from './sign.js'
import { buildLeafTemplate, DEFAULT_LEAF_TTL_MS } from './template.js'
import { validateLeaf } from './validate.js'

/** Why a certificate was not issued. */
export type IssueReason =
  | CsrReason
  | CsrPolicyReason
  | 'identity-of-another-trust-domain'
  | 'ttl-not-allowed'
  | 'signer-not-valid'
  | 'profile-broken'

/** A certificate that was not issued. The message may be told to the requester, who was authenticated before. */
export class IssueError extends Error {
  override readonly name = 'IssueError'
  readonly reason: IssueReason
  readonly identity: string

  constructor(reason: IssueReason, identity: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
    this.identity = identity
  }
}

/** A request whose right to the identity has been established already: that is not looked at here. */
export interface IssueRequest {
  readonly csrPem: string
  /** From the rules of the mesh, never from the CSR. */
  readonly identity: Identity
  /** Milliseconds, above zero, at most 72 hours; 72 hours unless given. */
  readonly ttl?: number
  /** Wall-clock milliseconds. */
  readonly now?: number
  /** Who asks, for the audit; absent where the control plane asks for itself. */
  readonly host?: string
}

/** A certificate that keeps the profile. */
export interface IssuedLeaf {
  readonly spiffeId: string
  /** The leaf, then the intermediate. */
  readonly chainPem: string
  /** Lower-case hex. */
  readonly serial: string
  /** Wall-clock milliseconds. */
  readonly notAfter: number
}

/**
 * Issues a leaf in three steps by three modules (a template by policy, the signature, a validator that knows nothing of
 * the template) and writes one line of audit, however it ends.
 *
 * @throws IssueError
 */
export function issueLeaf(authority: Authority, request: IssueRequest, log: Log): IssuedLeaf {
  const identity = formatSpiffeId(request.identity)
  const { host } = request
  try {
    const issued = issue(authority, request, identity)
    auditCertificate(log, { decision: 'granted', identity, host, serial: issued.serial, notAfter: issued.notAfter })
    return issued
  } catch (error) {
    const reason = error instanceof IssueError ? error.reason : 'internal-error'
    auditCertificate(log, { decision: 'refused', identity, host, reason })
    throw error
  }
}

function issue(authority: Authority, request: IssueRequest, spiffeId: string): IssuedLeaf {
  const { identity, ttl = DEFAULT_LEAF_TTL_MS, now = Date.now() } = request
  checkRequest(authority, identity, ttl, now)
  const { spkiDer } = acceptCsr(authority, request.csrPem, identity)
  const template = buildLeafTemplate({ identity, spkiDer, ttl, now }, authority.intermediate.certificate)
  const der = signTemplate(template, authority)
  const { leaf, broken } = validateLeaf(der, { spiffeId, spkiDer, now }, authority)
  if (leaf === undefined) {
    throw new IssueError('profile-broken', spiffeId, `the certificate breaks the profile: ${broken.join(', ')}`)
  }
  const chainPem = `${encodePem('CERTIFICATE', der)}${authority.intermediate.pem}`
  return { spiffeId, chainPem, serial: leaf.serial.toString('hex'), notAfter: leaf.notAfter }
}

function checkRequest(authority: Authority, identity: Identity, ttl: number, now: number): void {
  const refuse = (reason: IssueReason, message: string) => new IssueError(reason, formatSpiffeId(identity), message)
  if (identity.trustDomain !== authority.trustDomain) {
    const message = `this mesh is ${authority.trustDomain} and issues nothing for ${identity.trustDomain}`
    throw refuse('identity-of-another-trust-domain', message)
  }
  if (!(ttl > 0 && ttl <= DEFAULT_LEAF_TTL_MS)) {
    throw refuse('ttl-not-allowed', `a certificate lives at most 72 hours, not ${ttl / 3_600_000}`)
  }
  const { notBefore, notAfter } = authority.intermediate.certificate
  if (now < notBefore || now >= notAfter) {
    throw refuse('signer-not-valid', 'the intermediate certificate of the control plane is not valid now')
  }
}

/**
 * Reads a CSR and holds it against the rules for the identity that it is for, without issuing anything: to be asked
 * before a token is used for it.
 *
 * @throws IssueError
 */
export function acceptCsr(authority: Authority, csrPem: string, identity: Identity): Csr {
  const spiffeId = formatSpiffeId(identity)
  const csr = readCsr(csrPem, spiffeId)
  const caSpkis = [authority.root.certificate.spkiDer, authority.intermediate.certificate.spkiDer]
  const reason = judgeCsr(csr, identity, caSpkis)
  if (reason === undefined) return csr
  throw new IssueError(reason, spiffeId, `the CSR cannot be served for ${spiffeId}: ${reason}`)
}

function readCsr(csrPem: string, spiffeId: string): Csr {
  try {
    return parseCsr(csrPem)
  } catch (cause) {
    if (!(cause instanceof CsrError)) throw cause
    throw new IssueError(cause.reason, spiffeId, cause.message, cause)
  }
}
