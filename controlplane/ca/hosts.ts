import { matchesPattern } from '../../common/config/fields.js'
import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import type { Change, StateFile } from '../state-file.js'
import { auditChange } from './audit.js'
import type { HostRecord, HostsState, IssuedCertificate } from './host-record.js'

/** Why something cannot be done with a host. */
export type HostReason = 'already-enrolled' | 'banned' | 'not-enrolled'

/** A host for which something cannot be done; the message tells what would help. */
export class HostError extends Error {
  override readonly name = 'HostError'
  readonly reason: HostReason
  readonly host: string

  constructor(reason: HostReason, host: string, message: string) {
    super(message)
    this.reason = reason
    this.host = host
  }
}

/** A host that joins. */
export interface Enrolment {
  readonly host: string
  /** What its token granted. */
  readonly services: readonly string[]
  /** Hash of the CSR's key. */
  readonly keyHash: string
  /** Wall-clock milliseconds. */
  readonly now?: number
}

/** Enrolled hosts by name. */
export type EnrolledHosts = ReadonlyMap<string, HostRecord>

/**
 * Which hosts are part of the mesh, what each may run, which certificates it holds, and which are banned. Every change
 * is on the disk before it takes effect.
 */
export class HostRegistry {
  /** The newest state, for everybody who has to act on a change: a ban closes connections. */
  readonly changes: Latest<EnrolledHosts>
  readonly #file: StateFile<HostsState>
  readonly #log: Log

  /** @param file opened with `hostsState` */
  constructor(file: StateFile<HostsState>, log: Log) {
    this.#file = file
    this.#log = log
    this.changes = new Latest(byName(file.state))
  }

  /**
   * Takes a host in, whose token was accepted. A repetition with the same key changes nothing.
   *
   * @throws HostError `banned`, or `already-enrolled` with another key: nobody takes over a name that is in use, it must
   * be evicted first
   */
  async enrol({ host, services, keyHash, now = Date.now() }: Enrolment): Promise<void> {
    const joined = await this.#update((state) => {
      const known = state.hosts.find((record) => record.host === host)
      if (known === undefined) {
        const record: HostRecord = { host, enrolledAt: now, keyHash, services, certificates: [] }
        return { state: { hosts: [...state.hosts, record].sort(byHost) }, result: true }
      }
      if (known.banned !== undefined) throw new HostError('banned', host, `${host} is banned`)
      if (known.keyHash === keyHash) return { state, result: false }
      throw new HostError(
        'already-enrolled',
        host,
        `${host} has joined already; "mesh host ${host} evict" lets it again`,
      )
    })
    if (joined) auditChange(this.#log, 'host enrolled', { host, services })
  }

  /** Whether the host's token allows it the service; a banned or unknown host may run none. */
  allowsService(host: string, service: string): boolean {
    const record = this.changes.value.get(host)
    if (record === undefined || record.banned !== undefined) return false
    return record.services.some((pattern) => matchesPattern(pattern, service))
  }

  /** Whether the host has joined, was not evicted since, and is not banned: only then does it get certificates. */
  isMember(host: string): boolean {
    const record = this.changes.value.get(host)
    return record !== undefined && record.banned === undefined
  }

  /**
   * Whether a certificate of the host's own was issued in its present membership. An evicted host that joined again
   * does so as a new one: certificates from before, which may be why it was evicted, are not among these.
   */
  recognises(host: string, serial: string): boolean {
    return (
      this.isMember(host) && this.changes.value.get(host)?.certificates.some((one) => one.serial === serial) === true
    )
  }

  /** Whether the host is banned. */
  isBanned(host: string): boolean {
    return this.changes.value.get(host)?.banned !== undefined
  }

  /**
   * Records certificates before they are handed out, and forgets those that have expired.
   *
   * @throws HostError `not-enrolled` or `banned`, when it became so meanwhile: then they must not be handed out
   */
  async recordIssued(host: string, issued: readonly IssuedCertificate[], now: number = Date.now()): Promise<void> {
    await this.#change(host, (record) => {
      if (record.banned !== undefined) throw new HostError('banned', host, `${host} is banned`)
      const live = record.certificates.filter(({ notAfter }) => notAfter > now)
      return { ...record, certificates: newestOfEach([...live, ...issued]) }
    })
  }

  /** Bans a host: no connection, no renewal, until it is evicted. @throws HostError `not-enrolled` */
  async ban(host: string, reason: string, now: number = Date.now()): Promise<void> {
    await this.#change(host, (record) => ({ ...record, banned: { since: now, reason } }))
    auditChange(this.#log, 'host banned', { host, reason })
  }

  /** Forgets a host, with its ban, so that it can join again by a new token. @returns whether it was known */
  async evict(host: string): Promise<boolean> {
    const found = await this.#update((state) => {
      const hosts = state.hosts.filter((record) => record.host !== host)
      return hosts.length === state.hosts.length ? { state, result: false } : { state: { hosts }, result: true }
    })
    if (found) auditChange(this.#log, 'host evicted', { host })
    return found
  }

  /** All hosts, sorted by name. */
  list(): readonly HostRecord[] {
    return this.#file.state.hosts
  }

  #change(host: string, change: (record: HostRecord) => HostRecord): Promise<void> {
    return this.#update((state) => {
      const known = state.hosts.find((record) => record.host === host)
      if (known === undefined) throw new HostError('not-enrolled', host, `${host} has not joined this mesh`)
      const changed = change(known)
      return { state: { hosts: state.hosts.map((record) => (record === known ? changed : record)) }, result: undefined }
    })
  }

  async #update<R>(change: (state: HostsState) => Change<HostsState, R>): Promise<R> {
    const before = this.#file.state
    const result = await this.#file.update(change)
    if (this.#file.state !== before) this.changes.set(byName(this.#file.state))
    return result
  }
}

function byName({ hosts }: HostsState): EnrolledHosts {
  return new Map(hosts.map((record) => [record.host, record]))
}

function byHost(a: HostRecord, b: HostRecord): number {
  return a.host < b.host ? -1 : 1
}

/** So many certificates are remembered for one identity of a host: more than its renewals ever need at once. */
const REMEMBERED = 20

/** The newest certificates of each identity, in their order: a host that asks without end must not fill the disk. */
function newestOfEach(certificates: readonly IssuedCertificate[]): readonly IssuedCertificate[] {
  const seen = new Map<string, number>()
  const kept = certificates.toReversed().filter(({ identity }) => {
    const count = (seen.get(identity) ?? 0) + 1
    seen.set(identity, count)
    return count <= REMEMBERED
  })
  return kept.toReversed()
}
