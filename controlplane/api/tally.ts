import type { Bound } from './limits.js'

/** Counts what each address has, up to a bound. */
export class Tally {
  readonly #bound: Bound
  readonly #byAddress = new Map<string, number>()
  #total = 0

  constructor(bound: Bound) {
    this.#bound = bound
  }

  /** Whether no address could have one more. */
  get full(): boolean {
    return this.#total >= this.#bound.total
  }

  /** Whether this address could have one more. */
  hasRoom(address: string): boolean {
    return !this.full && (this.#byAddress.get(address) ?? 0) < this.#bound.perAddress
  }

  /** Counts one more of this address, where there is room. @returns gives it back, once; undefined: there is no room */
  take(address: string): (() => void) | undefined {
    if (!this.hasRoom(address)) return undefined
    this.#total++
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1)
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      this.#total--
      const left = (this.#byAddress.get(address) ?? 1) - 1
      if (left === 0) this.#byAddress.delete(address)
      else this.#byAddress.set(address, left)
    }
  }
}
