import { seededRandom } from '../xds/mesh-model.js'

/** Chance that is the same for the same seed. */
export class Dice {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** Whether something of this likelihood happens. */
  chance(likelihood: number): boolean {
    return this.#random() < likelihood
  }

  /** A whole number from 0 and below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end)
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T
  }

  some<T>(of: readonly T[], likelihood = 0.5): readonly T[] {
    return of.filter(() => this.chance(likelihood))
  }
}
