import { delay } from '../../common/tasks.js'
import { askShop, type ShopAnswer } from './client.js'
import type { DemoHost } from './layout.js'

/** Counts of requests since the load began. */
export interface LoadCounts {
  readonly sent: number
  readonly failed: number
  /** How the first failures looked, at most five. */
  readonly failures: readonly string[]
}

/**
 * Sends requests to the shop at a steady rate, whatever the answers, and counts those that failed: no answer, or not
 * the expected one. A request is never sent again by the load itself.
 */
export class Load {
  readonly #web: DemoHost
  readonly #ended = new AbortController()
  readonly #open = new Set<Promise<void>>()
  readonly #onAnswer: ((answer: ShopAnswer) => void) | undefined
  readonly #failures: string[] = []
  #sent = 0
  #failed = 0

  /** @param onAnswer sees every answer that came */
  constructor(web: DemoHost, requestsPerSecond: number, onAnswer?: (answer: ShopAnswer) => void) {
    this.#web = web
    this.#onAnswer = onAnswer
    this.#loop = this.#run(1000 / requestsPerSecond)
  }

  readonly #loop: Promise<void>

  get counts(): LoadCounts {
    return { sent: this.#sent, failed: this.#failed, failures: this.#failures }
  }

  /** Stops sending, waits for the answers that are due, and tells the counts. */
  async stop(): Promise<LoadCounts> {
    this.#ended.abort()
    await this.#loop
    await Promise.all(this.#open)
    return this.counts
  }

  async #run(gapMs: number): Promise<void> {
    const start = performance.now()
    for (let due = start; !this.#ended.signal.aborted; due += gapMs) {
      const request = this.#send().finally(() => this.#open.delete(request))
      this.#open.add(request)
      await delay(Math.max(0, due + gapMs - performance.now()), this.#ended.signal)
    }
  }

  async #send(): Promise<void> {
    this.#sent++
    try {
      const answer = await askShop(this.#web)
      this.#onAnswer?.(answer)
      if (answer.status !== 200) this.#fail(`status ${answer.status}: ${answer.text.trim().slice(0, 120)}`)
    } catch (error) {
      this.#fail((error as Error).message)
    }
  }

  #fail(what: string): void {
    this.#failed++
    if (this.#failures.length < 5) this.#failures.push(what)
  }
}
