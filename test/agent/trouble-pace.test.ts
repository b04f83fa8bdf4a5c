import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TroublePace } from '../../common/trouble-pace.js'

const MINUTE = 60_000

/** Fails with these reasons at these times. @returns the times at which the log was told */
function told(failures: readonly (readonly [number, string])[]): readonly number[] {
  let now = 0
  const pace = new TroublePace(() => now)
  return failures.flatMap(([at, reason]) => {
    now = at
    return pace.failed(reason) === undefined ? [] : [at]
  })
}

/** One failure every 5 s. */
function failures(minutes: number, reason: (index: number) => string): readonly (readonly [number, string])[] {
  return Array.from({ length: minutes * 12 + 1 }, (_, index) => [index * 5_000, reason(index)] as const)
}

test('of a trouble the first failure is told, then that it lasts: after a minute, and ever more rarely', () => {
  const minutes = told(failures(60, () => 'away')).map((at) => at / MINUTE)
  assert.deepEqual(minutes, [0, 1, 3, 7, 15, 25, 35, 45, 55])
})

test('another reason is news once, also when two reasons come by turns', () => {
  assert.deepEqual(told(failures(1, (index) => (index % 2 === 0 ? 'reset' : 'refused'))), [0, 5_000, MINUTE])
})

test('a reason with a number that differs each time is the same reason', () => {
  assert.deepEqual(told(failures(1, (index) => `port ${index}: gone`)), [0, MINUTE])
})

test('a text that differs each time cannot fill the log', () => {
  const letters = (index: number) => String.fromCharCode(97 + (index % 26)).repeat(1 + index / 26)
  assert.equal(told(failures(60, letters)).length, 16)
})

test('what is told says how many attempts there were and for how long, and so does the end', () => {
  let now = 1_000
  const pace = new TroublePace(() => now)
  assert.equal(pace.over(), undefined)
  assert.deepEqual(pace.failed('away'), { attempts: 1, lastedMs: 0 })
  now += 30_000
  assert.equal(pace.failed('away'), undefined)
  now += 30_000
  assert.deepEqual(pace.failed('away'), { attempts: 3, lastedMs: 60_000 })
  now += 7_000
  assert.deepEqual(pace.over(), { attempts: 3, lastedMs: 67_000 })
  assert.deepEqual(pace.failed('away'), { attempts: 1, lastedMs: 0 })
})
