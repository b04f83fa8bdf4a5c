import assert from 'node:assert/strict'
import { delay } from '../../common/tasks.js'
import { getOk, type Target } from './client.js'
import { until } from './until.js'

const PER_SECOND = 50

/** A request that failed. */
export interface Failure {
  /** When it was sent, on the clock of `performance.now()`. */
  readonly at: number
  readonly why: string
}

/** Asks a service once. @throws what the caller sees go wrong */
export type Ask = () => Promise<void>

/** Sends 50 requests a second, whatever the answers, none of them twice, and keeps what became of each. */
export class Load {
  readonly #ask: Ask
  readonly #ended = new AbortController()
  readonly #open = new Set<Promise<void>>()
  readonly #loop: Promise<void>
  readonly failures: Failure[] = []
  #sent = 0

  /** @param asked a place that has to answer 200, or how to ask */
  constructor(asked: Target | Ask) {
    this.#ask = typeof asked === 'function' ? asked : () => getOk(asked)
    this.#loop = this.#run()
  }

  get sent(): number {
    return this.#sent
  }

  /** Waits until that many more have been sent. */
  async more(count: number): Promise<void> {
    const seen = this.#sent
    await until(`${count} more requests`, () => this.#sent >= seen + count, 60_000)
  }

  /** Stops sending and waits for the answers that are due. */
  async stop(): Promise<void> {
    this.#ended.abort()
    await this.#loop
    await Promise.all(this.#open)
  }

  /** Stops, and asserts that at most this share of the requests failed. */
  async stopWithAtMost(share: number): Promise<void> {
    await this.stop()
    const { length } = this.failures
    assert.ok(
      length <= share * this.#sent,
      `${length} of ${this.#sent} failed: ${this.failures
        .slice(0, 5)
        .map(({ why }) => why)
        .join('; ')}`,
    )
  }

  async #run(): Promise<void> {
    const start = performance.now()
    for (let due = start; !this.#ended.signal.aborted; due += 1000 / PER_SECOND) {
      const sending = this.#send().finally(() => this.#open.delete(sending))
      this.#open.add(sending)
      await delay(Math.max(0, due + 1000 / PER_SECOND - performance.now()), this.#ended.signal)
    }
  }

  async #send(): Promise<void> {
    this.#sent++
    const at = performance.now()
    try {
      await this.#ask()
    } catch (error) {
      this.failures.push({ at, why: (error as Error).message })
    }
  }
}
