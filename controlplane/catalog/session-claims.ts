import { Latest } from '../../common/latest.js'

/** A session that wants to be that of its host. */
export interface Claimant {
  /** Random, made at each start of an agent; empty: an agent that does not tell. */
  readonly id: string
  /** Where it comes from: `10.0.0.11:41234`. */
  readonly peer: string
  /** Called once when a newer session of the host begins. */
  readonly supersede: () => void
}

/** Two agents that run with the identity of one host at once. Times are wall-clock milliseconds. */
export interface CloneAlarm {
  readonly since: number
  /** When the one that is refused last tried. */
  readonly last: number
  /** Where the agent is whose reports count, and the one that is refused. */
  readonly kept: string
  readonly refused: string
}

/** An alarm is over when the refused agent has not tried for so long, milliseconds; agents try at least each minute. */
export const QUIET_MS = 180_000

/** So many starts of a host's agent are remembered. */
const REMEMBERED = 16

/**
 * Decides which session is a host's: the newest. A session with the ID of an agent that was seen before another one of the
 * same host began, and which is still there, comes from a second agent with the same identity: it is refused, so that the
 * two do not throw each other out in turn, and raises an alarm. A restart of an agent has a new ID, a reconnect the same.
 */
export class SessionClaims {
  readonly alarms = new Latest<ReadonlyMap<string, CloneAlarm>>(new Map())
  readonly #live = new Map<string, Claimant>()
  readonly #seen = new Map<string, readonly string[]>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether the session is the host's from now on; one that was live before is superseded then. */
  claim(host: string, claimant: Claimant): boolean {
    const live = this.#live.get(host)
    const seen = this.#seen.get(host) ?? []
    if (live !== undefined && live.id !== claimant.id && seen.includes(claimant.id)) {
      this.#raise(host, live, claimant)
      return false
    }
    if (claimant.id !== '' && !seen.includes(claimant.id))
      this.#seen.set(host, [...seen, claimant.id].slice(-REMEMBERED))
    this.#live.set(host, claimant)
    live?.supersede()
    return true
  }

  /** Whether the session is that of its host. */
  holds(host: string, claimant: Claimant): boolean {
    return this.#live.get(host) === claimant
  }

  /** Ends a session that is the host's. */
  release(host: string, claimant: Claimant): void {
    if (this.holds(host, claimant)) this.#live.delete(host)
  }

  /** Ends whatever session the host has, and forgets it. */
  forget(host: string): void {
    this.#live.get(host)?.supersede()
    this.#live.delete(host)
    this.#seen.delete(host)
    const alarms = new Map(this.alarms.value)
    if (alarms.delete(host)) this.alarms.set(alarms)
  }

  #raise(host: string, kept: Claimant, refused: Claimant): void {
    const now = this.#now()
    const before = this.alarms.value.get(host)
    const since = before !== undefined && now - before.last < QUIET_MS ? before.since : now
    const alarm = { since, last: now, kept: kept.peer, refused: refused.peer }
    this.alarms.set(new Map(this.alarms.value).set(host, alarm))
  }
}
