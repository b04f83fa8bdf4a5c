import { share } from './share.js'
import type { Steps } from './steps.js'

/** What a value is made from, all of it: compared one by one with what it was made from before, by identity. */
export type Inputs = readonly unknown[]

/** Remembers one value with what it was made from, and makes it again only when that is not the same any more. */
export class Memo<T> {
  #inputs: Inputs | undefined
  #value: T | undefined

  /** @param make gets the old value, so that the new one can share with it what is equal ({@link share}) */
  get(inputs: Inputs, make: (before: T | undefined) => T): T {
    if (!sameInputs(this.#inputs, inputs)) this.#keep(inputs, make(this.#value))
    return this.#value as T
  }

  /** The same for what is made in steps. */
  *steps(inputs: Inputs, make: (before: T | undefined) => Steps<T>): Steps<T> {
    if (!sameInputs(this.#inputs, inputs)) this.#keep(inputs, yield* make(this.#value))
    return this.#value as T
  }

  #keep(inputs: Inputs, value: T): void {
    this.#value = value
    this.#inputs = inputs
  }
}

/** How a table gets from an item to its row. */
export interface RowOf<I, T> {
  /** Unique among the items. */
  readonly key: (item: I) => string
  readonly inputs: (item: I) => Inputs
  readonly make: (item: I) => T
}

interface Row<T> {
  readonly inputs: Inputs
  readonly value: T
  pass: number
}

/**
 * A {@link Memo} for each of many things that come and go, by their names. A value that is made anew shares with the old
 * one all parts that are equal ({@link share}).
 */
export class MemoTable<T> {
  readonly #rows = new Map<string, Row<T>>()
  #values: readonly T[] = []
  #pass = 0;

  /**
   * The values of these items, in their order; the same array as before when nothing changed. Rows of items that are not
   * among these are forgotten. A step for each value that is made.
   */
  *each<I>(items: readonly I[], { key, inputs, make }: RowOf<I, T>): Steps<readonly T[]> {
    const pass = ++this.#pass
    const values: T[] = []
    for (const item of items) {
      const name = key(item)
      const needed = inputs(item)
      const before = this.#rows.get(name)
      if (before !== undefined && sameInputs(before.inputs, needed)) {
        before.pass = pass
        values.push(before.value)
        continue
      }
      const value = share(before?.value, make(item))
      this.#rows.set(name, { inputs: needed, value, pass })
      values.push(value)
      yield
    }
    if (this.#rows.size > items.length) this.#forget(pass)
    if (!sameInputs(this.#values, values)) this.#values = values
    return this.#values
  }

  #forget(pass: number): void {
    for (const [name, row] of this.#rows) {
      if (row.pass !== pass) this.#rows.delete(name)
    }
  }
}

function sameInputs(a: Inputs | undefined, b: Inputs): boolean {
  if (a === undefined || a.length !== b.length) return false
  for (let index = 0; index < b.length; index++) {
    if (a[index] !== b[index]) return false
  }
  return true
}
