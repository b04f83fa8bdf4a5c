import { performance } from 'node:perf_hooks'

/** How a trouble stands that is worth a line in the log. */
export interface Trouble {
  /** Attempts that failed since it began. */
  readonly attempts: number
  /** For how long it has been so, milliseconds. */
  readonly lastedMs: number
}

/** How late the log says again that a trouble lasts: a minute, then twice as late each time, up to ten. Milliseconds. */
const AGAIN_MS = { first: 60_000, longest: 600_000 }

/** Past so many reasons a new one is no news: it is then a text that differs each time. */
const REASONS = 8

/** A trouble that lasts. */
interface Lasting {
  readonly since: number
  readonly reasons: Set<string>
  attempts: number
  again: { readonly at: number; readonly pause: number }
}

/**
 * Keeps the log short while one thing fails again and again: the first failure is told, one for another reason once,
 * and else that it lasts, ever more rarely. An outage of a night must not fill the log.
 */
export class TroublePace {
  readonly #now: () => number
  #lasting: Lasting | undefined

  /** @param now monotonic milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /**
   * An attempt failed.
   *
   * @param reason numbers in it do not count: some reasons have the time or a port in them
   * @returns how it stands, where the log is to be told now
   */
  failed(reason: string): Trouble | undefined {
    const now = this.#now()
    this.#lasting ??= {
      since: now,
      reasons: new Set(),
      attempts: 0,
      again: { at: now + AGAIN_MS.first, pause: AGAIN_MS.first },
    }
    const lasting = this.#lasting
    lasting.attempts++
    const trouble = { attempts: lasting.attempts, lastedMs: now - lasting.since }
    if (isNews(lasting, reason.replaceAll(/\d+/g, ''))) return trouble
    if (now < lasting.again.at) return undefined
    const pause = Math.min(lasting.again.pause * 2, AGAIN_MS.longest)
    lasting.again = { at: now + pause, pause }
    return trouble
  }

  /** It works again. @returns how it was; undefined: there was no trouble */
  over(): Trouble | undefined {
    const lasting = this.#lasting
    this.#lasting = undefined
    return lasting && { attempts: lasting.attempts, lastedMs: this.#now() - lasting.since }
  }
}

function isNews({ reasons }: Lasting, reason: string): boolean {
  if (reasons.has(reason) || reasons.size >= REASONS) return false
  reasons.add(reason)
  return true
}
