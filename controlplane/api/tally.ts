import type { Bound } from './limits.js'

/** Counts what each source has, up to a bound. */
export class Tally {
  readonly #bound: Bound
  readonly #bySource = new Map<string, number>()
  #total = 0

  constructor(bound: Bound) {
    this.#bound = bound
  }

  /** Whether no source could have one more. */
  get full(): boolean {
    return this.#total >= this.#bound.total
  }

  /** Whether this source could have one more. */
  hasRoom(source: string): boolean {
    return !this.full && (this.#bySource.get(source) ?? 0) < this.#bound.each
  }

  /** Counts one more of this source, where there is room. @returns gives it back, once; undefined: there is no room */
  take(source: string): (() => void) | undefined {
    if (!this.hasRoom(source)) return undefined
    this.#total++
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1)
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      this.#total--
      const left = (this.#bySource.get(source) ?? 1) - 1
      if (left === 0) this.#bySource.delete(source)
      else this.#bySource.set(source, left)
    }
  }
}
