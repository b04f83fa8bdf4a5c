import { status } from '@grpc/grpc-js'
import type { Log } from '../../common/log.js'
import type { Authority } from '../ca/authority.js'
import type { HostRegistry } from '../ca/hosts.js'
import { type IssuedLeaf, IssueError, type IssueRequest, issueLeaf } from '../ca/issue.js'
import { CallRefusal } from './unary.js'

/** A request of a host for a certificate to which it has the right. */
export type HostIssueRequest = Pick<IssueRequest, 'csrPem' | 'identity'> & { readonly host: string }

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
    await this.#hosts.recordIssued(request.host, [{ serial, identity, notAfter }])
    return issued
  }

  #sign(request: HostIssueRequest): IssuedLeaf {
    try {
      return issueLeaf(this.#authority, { ...request, ttl: this.#ttl }, this.#log)
    } catch (error) {
      if (error instanceof IssueError) throw new CallRefusal(status.INVALID_ARGUMENT, error.message)
      throw error
    }
  }
}
