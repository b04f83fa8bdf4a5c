import type { Clock } from './clock.js'
import { FIRST_ANSWERS_MS } from './limits.js'

/**
 * Lets new streams in by turns, so that thousands that come at once do not all have their first answers on the way
 * together: as many as the limit, the others after them in the order in which they came.
 */
export class Newcomers<Stream extends object> {
  readonly #limit: number
  readonly #clock: Clock
  readonly #freed: () => void
  readonly #waiting = new Set<Stream>()
  /** By stream that is being given its first answers: ends its turn's time. */
  readonly #served = new Map<Stream, () => void>()

  /** @param freed called when a turn has ended by its time */
  constructor(limit: number, clock: Clock, freed: () => void) {
    this.#limit = limit
    this.#clock = clock
    this.#freed = freed
  }

  /** How many have their turn now. */
  get served(): number {
    return this.#served.size
  }

  /** Whether one could have its turn now. */
  get ready(): boolean {
    return this.#waiting.size > 0 && this.#served.size < this.#limit
  }

  /** Puts a stream at the end of the queue, unless it is in it. */
  add(stream: Stream): void {
    if (!this.#served.has(stream)) this.#waiting.add(stream)
  }

  /** Begins the turn of whoever has waited longest; undefined when nobody can. */
  next(): Stream | undefined {
    if (!this.ready) return undefined
    const [stream] = this.#waiting
    if (stream === undefined) return undefined
    this.#waiting.delete(stream)
    const cancel = this.#clock.after(FIRST_ANSWERS_MS, () => {
      this.end(stream)
      this.#freed()
    })
    this.#served.set(stream, cancel)
    return stream
  }

  /** Ends the turn of a stream that has got everything, or takes it out of the queue. */
  end(stream: Stream): void {
    this.#waiting.delete(stream)
    this.#served.get(stream)?.()
    this.#served.delete(stream)
  }
}
