/** A piece of the built program and what stands there instead. */
export interface Replacement {
  /** The compiled module that holds it, below `dist`. */
  readonly file: string
  /** A piece of that module's compiled text, which stands there exactly once. */
  readonly find: string
  readonly replace: string
}

/** One defence, how it is switched off, and the test that must fail then. */
export interface Defence extends Replacement {
  /** What the defence does, as a sentence. */
  readonly defence: string
  /** What is switched off with it: the defences that stand behind it and would not let it be missed. */
  readonly layers?: readonly Replacement[]
  /** The compiled test file, below `dist/test`. */
  readonly test: string
  /** The names of the tests that must fail, each in full; all of them run, and at least one must fail. */
  readonly names: readonly string[]
  /** What the failing assertion says, where "it failed" could mean something else. */
  readonly because?: RegExp
}

/** Rows about one module, tried by the tests of one file. */
export function defencesOf(file: string, test: string) {
  return (defence: string, find: string, replace: string, ...names: readonly string[]): Defence => ({
    defence,
    file,
    find,
    replace,
    test,
    names,
  })
}
