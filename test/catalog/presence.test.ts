import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_GRACES, judgePresence, type PresenceInput } from '../../controlplane/catalog/presence.js'

const { lost: LOST_GRACE_MS, returning: RETURN_GRACE_MS } = DEFAULT_GRACES

const host = (name: string, session: PresenceInput['session'], health: 'passing' | 'critical' = 'passing') => ({
  host: name,
  session,
  services: [{ service: 'payments', health }],
})
const live = { state: 'live', since: 0 } as const
const lost = { state: 'lost', since: 1000 } as const
const unconfirmed = { state: 'unconfirmed', since: 1000 } as const

type Row = readonly [string, readonly PresenceInput[], number, string]

const ROWS: readonly Row[] = [
  ['a live host is there', [host('a', live)], 10 ** 9, 'live'],
  ['a lost host is unknown during its grace', [host('a', lost), host('b', live)], 1000 + LOST_GRACE_MS - 1, 'unknown'],
  [
    'after the grace it goes, where another is healthy',
    [host('a', lost), host('b', live)],
    1000 + LOST_GRACE_MS,
    'gone',
  ],
  ['the last instance is never removed by silence', [host('a', lost)], 10 ** 12, 'unknown'],
  [
    'a critical other does not count as one that is left',
    [host('a', lost), host('b', live, 'critical')],
    10 ** 12,
    'unknown',
  ],
  ['a lost other does not count either', [host('a', lost), host('b', lost)], 10 ** 12, 'unknown'],
  ['a restart waits for its agents', [host('a', unconfirmed), host('b', live)], 1000 + RETURN_GRACE_MS - 1, 'unknown'],
  [
    'and then removes what they did not confirm',
    [host('a', unconfirmed), host('b', live)],
    1000 + RETURN_GRACE_MS,
    'gone',
  ],
  ['but never the last', [host('a', unconfirmed)], 10 ** 12, 'unknown'],
  [
    'when hosts return after a long outage, the first of them does not take over from the others',
    [host('a', lost), host('b', { state: 'live', since: 10 ** 9 })],
    10 ** 9 + RETURN_GRACE_MS - 1,
    'unknown',
  ],
  [
    'who has not returned when they had time to is given up',
    [host('a', lost), host('b', { state: 'live', since: 10 ** 9 })],
    10 ** 9 + RETURN_GRACE_MS,
    'gone',
  ],
  [
    'a clock that was set back does not make a live host count for nothing',
    [host('a', lost), host('b', { state: 'live', since: 10 ** 9 })],
    10 ** 9 - 1,
    'gone',
  ],
  [
    'who was given up before a restart stays so while others are waited for',
    [host('a', lost), host('b', { state: 'unconfirmed', since: 10 ** 9 })],
    10 ** 9,
    'gone',
  ],
  [
    'but not when those do not come back either',
    [host('a', lost), host('b', { state: 'unconfirmed', since: 10 ** 9 })],
    10 ** 9 + RETURN_GRACE_MS,
    'unknown',
  ],
]

for (const [name, hosts, now, want] of ROWS) {
  test(name, () => assert.equal(judgePresence(hosts, now).presenceOf('a', 'payments'), want))
}

test('tells when time alone changes the answer', () => {
  const settled = { state: 'live', since: -RETURN_GRACE_MS } as const
  assert.equal(judgePresence([host('a', lost), host('b', settled)], 2000).nextChange, 1000 + LOST_GRACE_MS)
  assert.equal(judgePresence([host('b', live)], 2000).nextChange, undefined)
  const returned = host('b', { state: 'live', since: 10 ** 9 })
  assert.equal(judgePresence([host('a', lost), returned], 10 ** 9).nextChange, 10 ** 9 + RETURN_GRACE_MS)
})

test('the graces are settings', () => {
  const graces = { lost: 10, returning: 20 }
  const of = (session: PresenceInput['session'], now: number) =>
    judgePresence([host('a', session), host('b', live)], now, graces).presenceOf('a', 'payments')
  assert.deepEqual([of(lost, 1009), of(lost, 1010)], ['unknown', 'gone'])
  assert.deepEqual([of(unconfirmed, 1019), of(unconfirmed, 1020)], ['unknown', 'gone'])
})
