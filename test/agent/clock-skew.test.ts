import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeSkew, readClock, skewOf } from '../../common/clock-skew.js'

const MINUTE = 60_000

const cases: readonly (readonly [number, string | undefined])[] = [
  [0, undefined],
  [90_000, undefined],
  [-90_000, undefined],
  [2 * MINUTE, '2 min ahead'],
  [-119 * MINUTE, '119 min behind'],
  [25 * 60 * MINUTE, '25 h ahead'],
  [-24 * 60 * MINUTE, '24 h behind'],
]

for (const [skewMs, want] of cases) {
  test(`a clock that is ${skewMs} ms ahead is described as ${want ?? 'nothing'}`, () => {
    assert.equal(describeSkew(skewMs), want)
  })
}

test('what another clock said still holds when our own wall clock jumps', () => {
  const offset = readClock(1_000_000, 500)
  assert.equal(skewOf(offset, 1_000_000, 500), 0)
  assert.equal(skewOf(offset, 1_007_000, 7_500), 0)
  assert.equal(skewOf(offset, 1_007_000 - 60_000, 7_500), 60_000)
})
