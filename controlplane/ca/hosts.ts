import { matchesPattern } from '../../common/config/fields.js'
import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import type { Change, StateFile } from '../state-file.js'
import { auditChange } from './audit.js'
import { byName, recordOf, withRecord } from './host-order.js'
import type { HostRecord, HostsState, IssuedCertificate } from './host-record.js'
import { newestOfEach, withoutSpent } from './kept-certificates.js'

/** Why something cannot be done with a host. */
export type HostReason = 'already-enrolled' | 'banned' | 'evicted' | 'not-enrolled'

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
  /** The same, told only when who belongs to the mesh or may run what has changed: certificates are no part of it. */
  readonly rights: Latest<EnrolledHosts>
  readonly #file: StateFile<HostsState>
  readonly #log: Log
  /** The state that {@link changes} has told. */
  #told: HostsState

  /** @param file opened with `hostsState` */
  constructor(file: StateFile<HostsState>, log: Log) {
    this.#file = file
    this.#log = log
    this.changes = new Latest(byName(file.state))
    this.rights = new Latest(this.changes.value)
    this.#told = file.state
  }

  /**
   * Takes a host in, whose token was accepted. A repetition with the same key changes nothing.
   *
   * @throws HostError `banned`, or `already-enrolled` with another key or at another control plane: nobody takes over a
   * name that is in use, it must be evicted first
   */
  async enrol({ host, services, keyHash, now = Date.now() }: Enrolment): Promise<void> {
    const joined = await this.#update((state) => {
      const known = recordOf(state, host)
      if (known === undefined || (mayJoinAnew(known) && known.banned === undefined)) {
        const record: HostRecord = { host, enrolledAt: now, keyHash, services, certificates: [] }
        return { state: withRecord(state, record), result: true }
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

  /** Whether the host has joined, was not evicted since, and is not banned. */
  isMember(host: string): boolean {
    const record = this.changes.value.get(host)
    return record !== undefined && record.banned === undefined && record.evicted === undefined
  }

  /** Whether the host was banned or evicted here, and nothing has let it in again. */
  isKeptOut(host: string): boolean {
    const record = this.changes.value.get(host)
    return record?.banned !== undefined || record?.evicted !== undefined
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

  /**
   * The end of a certificate of the host's own by which it may ask for another one although it has expired: issued in
   * its present membership, and none that it got later has been used to ask for one. So what was stolen with an old
   * backup is worth nothing once the host went on. Undefined for all others.
   */
  recoverableUntil(host: string, serial: string): number | undefined {
    const record = this.isMember(host) ? this.changes.value.get(host) : undefined
    if (record === undefined) return undefined
    const found = record.certificates.findIndex((one) => one.serial === serial)
    const proven = record.certificates.findIndex((one) => one.serial === record.provenBy)
    return found < proven ? undefined : record.certificates[found]?.notAfter
  }

  /** Whether the host is banned. */
  isBanned(host: string): boolean {
    return this.changes.value.get(host)?.banned !== undefined
  }

  /**
   * Records certificates before they are handed out, and forgets those that have expired and cannot help to recover. A
   * host that is not known yet joined at another control plane: nobody else gets as far as a certificate.
   *
   * @param provenBy serial of the host's own certificate by which it asked
   * @throws HostError `evicted` or `banned`, when it became so meanwhile: then they must not be handed out
   */
  async recordIssued(
    host: string,
    issued: readonly IssuedCertificate[],
    now: number = Date.now(),
    provenBy?: string,
  ): Promise<void> {
    await this.#change(host, (known) => {
      const record = known ?? joinedElsewhere(host)
      if (record.banned !== undefined) throw new HostError('banned', host, `${host} is banned`)
      if (record.evicted !== undefined) throw new HostError('evicted', host, `${host} was evicted`)
      const proven = provenBy ?? record.provenBy
      const kept = withoutSpent(record.certificates, proven, now)
      return {
        ...record,
        certificates: newestOfEach([...kept, ...issued]),
        ...(proven === undefined ? {} : { provenBy: proven }),
      }
    })
  }

  /**
   * Bans a host, also one that never joined here: no connection, no renewal, until it is evicted or admitted.
   *
   * @returns whether it was known
   */
  async ban(host: string, reason: string, now: number = Date.now()): Promise<boolean> {
    const known = await this.#change(host, (record = joinedElsewhere(host)) => ({
      ...record,
      banned: { since: now, reason },
    }))
    auditChange(this.#log, 'host banned', { host, reason })
    return known
  }

  /**
   * Forgets a host, with its ban, so that it can join again by a new token. Until then it stays out, whatever other
   * control planes issue to it.
   *
   * @returns whether it was known
   */
  async evict(host: string, now: number = Date.now()): Promise<boolean> {
    const found = this.changes.value.get(host)
    if (found?.evicted !== undefined && found.banned === undefined) return false
    await this.#change(host, () => ({ ...joinedElsewhere(host), enrolledAt: now, evicted: { since: now } }))
    auditChange(this.#log, 'host evicted', { host })
    return found !== undefined
  }

  /**
   * Lifts the ban of a host, or lets one that was evicted here in again that has joined at another control plane since:
   * what was issued to it before the eviction counts no more.
   *
   * @throws HostError `not-enrolled` where it is not known
   */
  async admit(host: string): Promise<void> {
    await this.#change(host, (record) => {
      if (record === undefined) throw new HostError('not-enrolled', host, `${host} is neither banned nor evicted here`)
      const { banned: _banned, evicted: _evicted, ...admitted } = record
      return admitted
    })
    auditChange(this.#log, 'host admitted', { host })
  }

  /** All hosts, sorted by name. */
  list(): readonly HostRecord[] {
    return this.#file.state.hosts
  }

  /** @returns whether the host was known */
  #change(host: string, change: (record: HostRecord | undefined) => HostRecord): Promise<boolean> {
    return this.#update((state) => {
      const known = recordOf(state, host)
      return { state: withRecord(state, change(known)), result: known !== undefined }
    })
  }

  async #update<R>(change: (state: HostsState) => Change<HostsState, R>): Promise<R> {
    const result = await this.#file.update(change)
    this.#tell()
    return result
  }

  /** Changes that were written together are told once. */
  #tell(): void {
    const { state } = this.#file
    if (state === this.#told) return
    this.#told = state
    const before = this.rights.value
    this.changes.set(byName(state))
    if (state.hosts.some((record) => !sameRights(before.get(record.host), record))) this.rights.set(this.changes.value)
  }
}

/** Whether a host may do the same as before. One that is only known by name now may do nothing, as before. */
function sameRights(before: HostRecord | undefined, now: HostRecord): boolean {
  const { services = NO_SERVICES, banned, evicted, enrolledAt = 0 } = before ?? {}
  return (
    now.banned === banned &&
    now.evicted === evicted &&
    now.enrolledAt === enrolledAt &&
    (now.services === services || (now.services.length === 0 && services.length === 0))
  )
}

const NO_SERVICES: HostRecord['services'] = []

/** Whether nothing of a host is in use here: it was evicted, or all that is known of it is that it may come. */
function mayJoinAnew({ evicted, joined, certificates }: HostRecord): boolean {
  return evicted !== undefined || (joined === 'elsewhere' && certificates.length === 0)
}

function joinedElsewhere(host: string): HostRecord {
  return { host, enrolledAt: 0, joined: 'elsewhere', keyHash: '', services: [], certificates: [] }
}
