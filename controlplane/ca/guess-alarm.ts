import type { TokenReason } from './token-use.js'

/** Nobody mistypes a token this often within a minute. */
const GUESSES = 20

const WINDOW_MS = 60_000

/** How tokens are refused to those who do not have one; the other reasons are of tokens that once existed. */
const GUESSED: ReadonlySet<TokenReason> = new Set(['malformed', 'unknown', 'wrong-secret'])

/**
 * Counts refusals of tokens, to tell once a minute that somebody guesses. Nobody is slowed down: 256 random bits are not
 * guessed at any rate, and a limit would keep out hosts that join meanwhile.
 */
export class GuessAlarm {
  #windowBegan = Number.NEGATIVE_INFINITY
  #count = 0

  /** @param now wall-clock milliseconds @returns whether it is time to tell */
  note(reason: TokenReason, now: number): boolean {
    if (!GUESSED.has(reason)) return false
    if (Math.abs(now - this.#windowBegan) >= WINDOW_MS) {
      this.#windowBegan = now
      this.#count = 0
    }
    this.#count++
    return this.#count === GUESSES
  }
}
