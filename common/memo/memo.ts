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
export type RowOf<I, T> = {
  /** Unique among the items. */
  readonly key: (item: I) => string
  readonly inputs: (item: I) => Inputs
  /**
   * All that `inputs` reads beside the item: as long as it is the same, the inputs of the same item are. Absent: they are
   * always asked for.
   */
  readonly context?: Inputs
} & ({ readonly make: (item: I) => T } | { readonly steps: (item: I) => Steps<T> })

interface Row<T> {
  readonly inputs: Inputs
  readonly value: T
  /** Among the items of the last pass. */
  index: number
}

/** One pass over the items of a table: its rows and values are in their order. */
interface Pass<T> {
  readonly items: readonly unknown[]
  readonly context: Inputs | undefined
  readonly rows: readonly Row<T>[]
  readonly values: readonly T[]
}

/**
 * A {@link Memo} for each of many things that come and go, by their names. A value that is made anew shares with the old
 * one all parts that are equal ({@link share}).
 */
export class MemoTable<T> {
  readonly #rows = new Map<string, Row<T>>()
  #last: Pass<T> = { items: [], context: undefined, rows: [], values: [] };

  /**
   * The values of these items, in their order; the same array as before when nothing changed. Rows of items that are not
   * among these are forgotten. A step for each value that is made, at least.
   */
  *each<I>(items: readonly I[], rowOf: RowOf<I, T>): Steps<readonly T[]> {
    const last = this.#last
    const { context } = rowOf
    const known = context !== undefined && sameInputs(last.context, context) ? last.items : []
    const rows: Row<T>[] = []
    let next = 0
    for (const item of items) {
      let row = known[next] === item ? last.rows[next] : undefined
      if (row === undefined) {
        const [key, inputs] = [rowOf.key(item), rowOf.inputs(item)]
        row = this.#rows.get(key)
        if (row === undefined || !sameInputs(row.inputs, inputs)) {
          const value = 'make' in rowOf ? rowOf.make(item) : yield* rowOf.steps(item)
          row = { inputs, value: share(row?.value, value), index: row?.index ?? -1 }
          this.#rows.set(key, row)
          yield
        }
        // What follows is most likely what followed it in the last pass.
        next = row.index
      }
      next++
      rows.push(row)
    }
    this.#keep({ items, context, rows, values: rows.map(({ value }) => value) })
    return this.#last.values
  }

  #keep(pass: Pass<T>): void {
    for (const [index, row] of pass.rows.entries()) row.index = index
    if (this.#rows.size > pass.rows.length) this.#forgetAllBut(new Set(pass.rows))
    const same = sameInputs(this.#last.values, pass.values)
    this.#last = same ? { ...pass, values: this.#last.values } : pass
  }

  #forgetAllBut(kept: ReadonlySet<Row<T>>): void {
    for (const [key, row] of this.#rows) {
      if (!kept.has(row)) this.#rows.delete(key)
    }
  }
}

/** Whether two lists have the same objects in the same places. */
export function sameInputs(a: Inputs | undefined, b: Inputs): boolean {
  if (a === undefined || a.length !== b.length) return false
  for (let index = 0; index < b.length; index++) {
    if (a[index] !== b[index]) return false
  }
  return true
}
