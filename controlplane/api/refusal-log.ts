import type { Log } from '../../common/log.js'

/** A connection that was not let in, or a call that was not answered. */
export interface Refusal {
  readonly peer: string | undefined
  readonly reason: string
}

/** So many kinds of refusals are counted apart; what comes beyond is counted as one. */
const KINDS = 1_000

const BEYOND = 'various'

/** How often those are counted that are not told one by one, milliseconds. */
const COUNT_MS = 60_000

/**
 * Tells the log of what is refused: of each peer and reason the first, then how many more there were, once a minute. A
 * banned host comes back every few seconds for as long as it runs, and so does who wants to fill a disk.
 */
export class RefusalLog {
  readonly #log: Log
  readonly #what: 'connection' | 'call'
  readonly #counts = new Map<string, { readonly refusal: Refusal; more: number }>()
  readonly #minutes: NodeJS.Timeout

  constructor(log: Log, what: 'connection' | 'call') {
    this.#log = log
    this.#what = what
    this.#minutes = setInterval(() => this.minute(), COUNT_MS)
    this.#minutes.unref()
  }

  /** One was refused. Also those that are only counted can be read at the level `debug`. */
  refused(refusal: Refusal): void {
    const level = this.#isNews(refusal) ? 'warn' : 'debug'
    this.#log[level](`${this.#what} refused`, { ...refusal })
  }

  /** A minute is over: tells the counts, and forgets who was quiet, so that its next refusal is news. */
  minute(): void {
    for (const [kind, count] of this.#counts) {
      if (count.more === 0) this.#counts.delete(kind)
      else this.#log.warn(`${this.#what}s refused`, { ...count.refusal, times: count.more })
      count.more = 0
    }
  }

  /** Tells the last counts. */
  close(): void {
    clearInterval(this.#minutes)
    this.minute()
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
