import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CheckState, nextCheckState, nextProbePause } from '../../agent/checks/check-state.js'

/**
 * A `+` is a probe that passed, a `-` one that failed; the wanted letters are the health after each, passing or
 * critical.
 */
const cases: readonly [string, string, string, { unhealthyAfter: number; healthyAfter: number }][] = [
  ['the first probe decides alone, whatever the thresholds', '+', 'p', { unhealthyAfter: 3, healthyAfter: 3 }],
  ['a first failure makes critical at once', '-', 'c', { unhealthyAfter: 3, healthyAfter: 3 }],
  ['one lost probe takes nothing out', '+-++', 'pppp', { unhealthyAfter: 2, healthyAfter: 1 }],
  ['failures that are not in a row take nothing out', '+-+-+-', 'pppppp', { unhealthyAfter: 2, healthyAfter: 1 }],
  ['as many failures in a row as the threshold do', '+--', 'ppc', { unhealthyAfter: 2, healthyAfter: 1 }],
  ['a threshold of one takes effect at once', '+-+', 'pcp', { unhealthyAfter: 1, healthyAfter: 1 }],
  ['a service comes back after enough passes in a row', '-++-+++', 'ccccccp', { unhealthyAfter: 1, healthyAfter: 3 }],
]

for (const [name, probes, want, thresholds] of cases) {
  test(name, () => {
    let state: CheckState | undefined
    const seen = [...probes].map((sign) => {
      state = nextCheckState(state, { passed: sign === '+', detail: '' }, thresholds)
      return state.health[0]
    })
    assert.equal(seen.join(''), want)
  })
}

const pauses: readonly [string, CheckState['health'], boolean, number, number][] = [
  ['a passing service is probed once an interval', 'passing', true, 9, 5000],
  ['a failure of a passing service is looked into soon', 'passing', false, 1, 500],
  ['a pass of a critical service is looked into soon', 'critical', true, 1, 500],
  ['a service that just became critical is probed soon', 'critical', false, 2, 1000],
  ['and then less often', 'critical', false, 4, 4000],
  ['but never less than once an interval', 'critical', false, 400, 5000],
]

for (const [name, health, passed, streak, want] of pauses) {
  test(name, () => assert.equal(nextProbePause({ health, streak, last: { passed, detail: '' } }, 5000), want))
}
