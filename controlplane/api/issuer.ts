import { status } from '@grpc/grpc-js'
import { formatSpiffeId } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import { keyHash } from '../../common/x509/keys.js'
import { auditCertificate } from '../ca/audit.js'
import type { Authority } from '../ca/authority.js'
import { HostError, type HostRegistry } from '../ca/hosts.js'
import { acceptCsr, type IssuedLeaf, IssueError, type IssueRequest, issueLeaf } from '../ca/issue.js'
import { CallRefusal } from './unary.js'

/** A request of a host for a certificate to which it has the right. */
export type HostIssueRequest = Pick<IssueRequest, 'csrPem' | 'identity'> & {
  readonly host: string
  /** Serial of the host's own certificate by which it asks; absent where a token proved it. */
  readonly provenBy?: string
}

/** Issues certificates to hosts: each is recorded on the disk before it is handed out. */
export class Issuer {
  readonly #authority: Authority
  readonly #hosts: HostRegistry
  readonly #ttl: number
  readonly #log: Log

  /** @param ttl milliseconds */
  constructor(authority: Authority, hosts: HostRegistry, ttl: number, log: Log) {
    this.#authority = authority
    this.#hosts = hosts
    this.#ttl = ttl
    this.#log = log
  }

  get trustDomain(): string {
    return this.#authority.trustDomain
  }

  get trustBundlePem(): string {
    return this.#authority.bundlePem
  }

  /** @throws CallRefusal when the CSR or the profile is at fault; whatever recording throws */
  async issue(request: HostIssueRequest): Promise<IssuedLeaf> {
    const issued = this.#sign(request)
    const { spiffeId: identity, serial, notAfter } = issued
    try {
      await this.#hosts.recordIssued(request.host, [{ serial, identity, notAfter }], Date.now(), request.provenBy)
    } catch (error) {
      // Banned or evicted while the certificate was made: then it is not handed out.
      if (error instanceof HostError) throw new CallRefusal(status.PERMISSION_DENIED, error.message)
      throw error
    }
    return issued
  }

  /** Hash of the key in a CSR that would be served. @throws CallRefusal when it would not; every refusal is audited */
  judge(request: HostIssueRequest): string {
    return refusing(() => {
      try {
        return keyHash(acceptCsr(this.#authority, request.csrPem, request.identity).spkiDer)
      } catch (error) {
        const reason = error instanceof IssueError ? error.reason : 'internal-error'
        const identity = formatSpiffeId(request.identity)
        auditCertificate(this.#log, { decision: 'refused', identity, host: request.host, reason })
        throw error
      }
    })
  }

  #sign(request: HostIssueRequest): IssuedLeaf {
    return refusing(() => issueLeaf(this.#authority, { ...request, ttl: this.#ttl }, this.#log))
  }
}

/** Tells the caller what is wrong with its request, and nothing of any other failure. */
function refusing<T>(decide: () => T): T {
  try {
    return decide()
  } catch (error) {
    if (error instanceof IssueError) throw new CallRefusal(status.INVALID_ARGUMENT, error.message)
    throw error
  }
}
