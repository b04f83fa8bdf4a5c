import { dataPlane } from './bars/data-plane.js'
import { p1 } from './bars/p1.js'
import { p2 } from './bars/p2.js'
import { p3 } from './bars/p3.js'
import { p4 } from './bars/p4.js'
import { p5 } from './bars/p5.js'
import { p6 } from './bars/p6.js'
import { p7 } from './bars/p7.js'
import { p8 } from './bars/p8.js'
import { p9 } from './bars/p9.js'
import { p10 } from './bars/p10.js'
import { p11 } from './bars/p11.js'
import { p12 } from './bars/p12.js'
import { p14 } from './bars/p14.js'
import { relay } from './bars/relay.js'
import { scaling } from './bars/scaling.js'
import type { Bench } from './bench.js'

/** All benchmarks, in the order in which they run. */
export const BENCHES: readonly Bench[] = [
  p1,
  p2,
  p3,
  p4,
  p5,
  p6,
  p7,
  p8,
  p9,
  p10,
  p11,
  p12,
  p14,
  relay,
  dataPlane,
  scaling,
]
