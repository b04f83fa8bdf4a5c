import type { Measured } from './report/result.js'

/** What a benchmark is given. */
export interface BenchContext {
  /** Smaller sizes and fewer runs. */
  readonly quick: boolean
  /** Also what takes many minutes. */
  readonly soak: boolean
  /** Options of Node for the server that is measured, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[]
  /** Tells a person who waits what is being done. */
  readonly progress: (text: string) => void
}

/** A program that measures what one bar is about. */
export interface Bench {
  /** By which it is called: `p1`. */
  readonly name: string
  /** What it measures, in one line. */
  readonly title: string
  /** Measures, and yields a row as soon as there is one. */
  readonly run: (context: BenchContext) => AsyncIterable<Measured>
}
