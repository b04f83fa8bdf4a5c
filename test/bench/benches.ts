import { p1 } from './bars/p1.js'
import { p2 } from './bars/p2.js'
import { p12 } from './bars/p12.js'
import { p14 } from './bars/p14.js'
import type { Bench } from './bench.js'

/** All benchmarks, in the order in which they run. */
export const BENCHES: readonly Bench[] = [p1, p2, p12, p14]
