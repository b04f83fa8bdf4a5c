import { Latest } from '../../common/latest.js'
import type { Session } from './presence.js'
import type { EnvoyFacts, HostFacts, ServiceFacts } from './report.js'

/** All that is known of one host by its agent's reports. */
export interface AgentRecord {
  readonly host: string
  readonly session: Session
  readonly facts: HostFacts
  readonly services: readonly ServiceFacts[]
  /** Absent until the agent has said something of its Envoy in this session. */
  readonly envoy?: EnvoyFacts
}

/** Reports of all hosts, by host name. Replaced at each change; the record of a host that said nothing is the same object. */
export type AgentRecords = ReadonlyMap<string, AgentRecord>

/** What a session tells the directory; each call is one message of the agent. */
export interface SessionReports {
  host(facts: HostFacts): void
  services(services: readonly ServiceFacts[]): void
  envoy(facts: EnvoyFacts): void
  /** The host leaves on purpose: its instances go at once. */
  leave(): void
  /** The stream ended. Does nothing when a newer session of the host has begun. */
  end(): void
}

/**
 * The directory of hosts that report: one record a host, kept over lost sessions and (through {@link restore}) over
 * restarts of the control plane.
 */
export class AgentDirectory {
  readonly records: Latest<AgentRecords>
  /** The same, told only when what the catalog is made of changed: what Envoys report of themselves is not part of it. */
  readonly members: Latest<AgentRecords>
  readonly #sessions = new Map<string, { readonly supersede: () => void }>()
  readonly #now: () => number

  constructor(restored: AgentRecords = new Map(), now: () => number = Date.now) {
    this.records = new Latest(restored)
    this.members = new Latest(restored)
    this.#now = now
  }

  /**
   * Begins the session of a host. An older live session of the same host (a cloned disk, or a stream that is not
   * known to be dead yet) is superseded: the newest wins.
   *
   * @param supersede called once when a newer session of this host begins
   * @returns how to tell the directory what arrives, and whether another session was live
   */
  begin(host: string, supersede: () => void): { readonly reports: SessionReports; readonly superseded: boolean } {
    const older = this.#sessions.get(host)
    const session = { supersede }
    this.#sessions.set(host, session)
    older?.supersede()
    const current = () => this.#sessions.get(host) === session
    return { reports: this.#reports(host, current), superseded: older !== undefined }
  }

  /** Forgets a host, as when it is evicted. */
  forget(host: string): void {
    this.#sessions.get(host)?.supersede()
    this.#sessions.delete(host)
    this.#remove(host)
  }

  #remove(host: string): void {
    if (!this.records.value.has(host)) return
    const next = new Map(this.records.value)
    next.delete(host)
    this.records.set(next)
    this.members.set(next)
  }

  #reports(host: string, current: () => boolean): SessionReports {
    const live: Session = { state: 'live', since: this.#now() }
    let facts: HostFacts | undefined
    let services: readonly ServiceFacts[] | undefined
    let envoy: EnvoyFacts | undefined
    const publish = () => {
      // Until both reports are there the host keeps what it had: a half-told host must not lose its services.
      if (!current() || facts === undefined || services === undefined) return
      this.#put({ host, session: live, facts, services, ...(envoy === undefined ? {} : { envoy }) })
    }
    return {
      host(value) {
        facts = value
        publish()
      },
      services(value) {
        services = value
        publish()
      },
      envoy(value) {
        envoy = value
        publish()
      },
      leave: () => {
        if (!current()) return
        this.#sessions.delete(host)
        this.#remove(host)
      },
      end: () => {
        if (!current()) return
        this.#sessions.delete(host)
        const record = this.records.value.get(host)
        if (record !== undefined) this.#put({ ...record, session: { state: 'lost', since: this.#now() } })
      },
    }
  }

  #put(record: AgentRecord): void {
    const before = this.records.value.get(record.host)
    this.records.set(new Map(this.records.value).set(record.host, record))
    if (!sameMember(before, record)) this.members.set(this.records.value)
  }
}

function sameMember(before: AgentRecord | undefined, now: AgentRecord): boolean {
  return before?.facts === now.facts && before.services === now.services && before.session.state === now.session.state
}
