import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration } from '../../controlplane/envoy/messages.js'

const CASES: readonly (readonly [number, bigint, number])[] = [
  [0, 0n, 0],
  [250, 0n, 250_000_000],
  [61_001, 61n, 1_000_000],
  // Envoy refuses more than 292 years, and with it the whole resource.
  [Number.POSITIVE_INFINITY, 3_153_600_000n, 0],
  [Number.MAX_VALUE, 3_153_600_000n, 0],
]

for (const [ms, seconds, nanos] of CASES) {
  test(`${ms} ms`, () => {
    const { seconds: whole, nanos: rest } = duration(ms)
    assert.deepEqual([whole, rest], [seconds, nanos])
  })
}
