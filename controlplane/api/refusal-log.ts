import type { Log } from '../../common/log.js'

/** A connection that was not let in. */
export interface Refusal {
  readonly peer: string | undefined
  readonly reason: string
}

/** So many kinds of refusals are counted apart; what comes beyond is counted as one. */
const KINDS = 1_000

const BEYOND = 'various'

/**
 * Tells the log of refused connections: of each peer and reason the first, then how many more there were, once a
 * minute. A banned host comes back every few seconds for as long as it runs, and so does who wants to fill a disk.
 */
export class RefusalLog {
  readonly #log: Log
  readonly #counts = new Map<string, { readonly refusal: Refusal; more: number }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** A connection was refused. Also those that are only counted can be read at the level `debug`. */
  refused(refusal: Refusal): void {
    const level = this.#isNews(refusal) ? 'warn' : 'debug'
    this.#log[level]('connection refused', { ...refusal })
  }

  /** A minute is over: tells the counts, and forgets who was quiet, so that its next refusal is news. */
  minute(): void {
    for (const [kind, count] of this.#counts) {
      if (count.more === 0) this.#counts.delete(kind)
      else this.#log.warn('connections refused', { ...count.refusal, times: count.more })
      count.more = 0
    }
  }

  #isNews(refusal: Refusal): boolean {
    const kind = JSON.stringify([refusal.peer, refusal.reason])
    const known = this.#counts.get(kind)
    const isNews = known === undefined && this.#counts.size < KINDS
    if (isNews) this.#counts.set(kind, { refusal, more: 0 })
    else if (known !== undefined) known.more++
    else this.#countBeyond()
    return isNews
  }

  #countBeyond(): void {
    const beyond = this.#counts.get(BEYOND) ?? { refusal: { peer: undefined, reason: BEYOND }, more: 0 }
    beyond.more++
    this.#counts.set(BEYOND, beyond)
  }
}
