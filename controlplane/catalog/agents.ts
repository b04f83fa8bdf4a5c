import type { ClockOffset } from '../../common/clock-skew.js'
import { Latest } from '../../common/latest.js'
import type { FileProblems } from './file-problems.js'
import type { Session } from './presence.js'
import type { EnvoyFacts, HostFacts, ServiceFacts } from './report.js'
import { type Claimant, SessionClaims } from './session-claims.js'

/** What a host says of itself and of what it runs, whether or not it is heard of now. */
export interface HostReports {
  readonly host: string
  readonly facts: HostFacts
  readonly services: readonly ServiceFacts[]
}

/** All that is known of one host by its agent's reports. */
export interface AgentRecord extends HostReports {
  readonly session: Session
  /** Absent until the agent has said something of its Envoy in this session. */
  readonly envoy?: EnvoyFacts
  /** Absent until the agent has said what is wrong with its files in this session; some never do. */
  readonly fileProblems?: FileProblems
  /** What the host's clock says; absent until it has told. */
  readonly clock?: ClockOffset
}

/** Reports of all hosts, by host name. Replaced at each change; the record of a host that said nothing is the same object. */
export type AgentRecords = ReadonlyMap<string, AgentRecord>

/** A host that left in order: what it was, and when it left, wall-clock milliseconds. Nothing of it is in the catalog. */
export interface LeftHost extends HostReports {
  readonly since: number
}

/** What a session tells the directory; each call is one message of the agent. */
export interface SessionReports {
  /** Whether this session is the host's: asked with the first report of the host. */
  claim(by: Claimant): boolean
  host(facts: HostFacts): void
  services(services: readonly ServiceFacts[]): void
  envoy(facts: EnvoyFacts): void
  fileProblems(found: FileProblems): void
  clock(offset: ClockOffset): void
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
  /** Which session is a host's, and who runs with an identity that is another's. */
  readonly claims: SessionClaims
  readonly #all: Map<string, AgentRecord>
  /** Hosts that left in order and have not come back, by name; told with {@link members}. */
  readonly left: Map<string, LeftHost>
  readonly #now: () => number

  constructor(
    restored: AgentRecords = new Map(),
    now: () => number = Date.now,
    left: ReadonlyMap<string, LeftHost> = new Map(),
  ) {
    this.left = new Map(left)
    this.#all = new Map(restored)
    this.records = new Latest(restored)
    this.members = new Latest(restored)
    this.claims = new SessionClaims(now)
    this.#now = now
  }

  /** Begins the session of a host. It counts once {@link SessionReports.claim} has said so. */
  begin(host: string): SessionReports {
    const live: Session = { state: 'live', since: this.#now() }
    let claimant: Claimant | undefined
    let facts: HostFacts | undefined
    let services: readonly ServiceFacts[] | undefined
    let envoy: EnvoyFacts | undefined
    let fileProblems: FileProblems | undefined
    let clock: ClockOffset | undefined
    const holds = () => claimant !== undefined && this.claims.holds(host, claimant)
    const publish = () => {
      // Until both reports are there the host keeps what it had: a half-told host must not lose its services.
      if (!holds() || facts === undefined || services === undefined) return
      this.#put({
        host,
        session: live,
        facts,
        services,
        ...(envoy === undefined ? {} : { envoy }),
        ...(fileProblems === undefined ? {} : { fileProblems }),
        ...(clock === undefined ? {} : { clock }),
      })
    }
    return {
      claim: (by) => {
        if (claimant !== undefined) return holds()
        if (!this.claims.claim(host, by)) return false
        claimant = by
        return true
      },
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
      fileProblems(found) {
        fileProblems = found
        publish()
      },
      clock(offset) {
        clock = offset
        publish()
      },
      leave: () => {
        if (!holds() || claimant === undefined) return
        this.claims.release(host, claimant)
        const record = this.#all.get(host)
        if (record !== undefined) {
          this.left.set(host, { host, facts: record.facts, services: record.services, since: this.#now() })
        }
        this.#remove(host)
      },
      end: () => {
        if (!holds() || claimant === undefined) return
        this.claims.release(host, claimant)
        const record = this.#all.get(host)
        if (record !== undefined) this.#put({ ...record, session: { state: 'lost', since: this.#now() } })
      },
    }
  }

  /** Forgets a host, as when it is evicted. */
  forget(host: string): void {
    this.claims.forget(host)
    this.left.delete(host)
    this.#remove(host)
  }

  #remove(host: string): void {
    if (this.#all.delete(host)) this.#tell(true)
  }

  #put(record: AgentRecord): void {
    const before = this.#all.get(record.host)
    this.#all.set(record.host, record)
    this.left.delete(record.host)
    this.#tell(!sameMember(before, record))
  }

  /** A copy of all records for each report would cost a herd of hosts more than anything else. */
  #tell(membersToo: boolean): void {
    this.records.setLater(() => new Map(this.#all))
    if (membersToo) this.members.setLater(() => this.records.value)
  }
}

function sameMember(before: AgentRecord | undefined, now: AgentRecord): boolean {
  return before?.facts === now.facts && before.services === now.services && before.session.state === now.session.state
}
