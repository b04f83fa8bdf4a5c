import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeLoss } from '../../agent/control-plane/loss.js'

const NOTE = 'Resolution note: '

const cases: readonly (readonly [string, string])[] = [
  [
    `14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:15200. ${NOTE}`,
    'nothing listens there (ECONNREFUSED)',
  ],
  ['14 UNAVAILABLE: read ECONNRESET', 'the control plane closed the connection (ECONNRESET)'],
  ['14 UNAVAILABLE: Connection dropped', 'the connection was lost'],
  [
    `14 UNAVAILABLE: No connection established. Last error: Error: connect EHOSTUNREACH 10.0.0.9:15200. ${NOTE}`,
    'there is no way to that address (no route)',
  ],
  ['7 PERMISSION_DENIED: host web-1 is banned', 'host web-1 is banned'],
  [
    `14 UNAVAILABLE: No connection established. Last error: Error: the server belongs to the mesh b, not to a. ${NOTE}`,
    'the server belongs to the mesh b, not to a',
  ],
  [
    `14 UNAVAILABLE: No connection established. Last error: Error: certificate has expired. ${NOTE}`,
    'certificate has expired: the clock of this host says 1970-01-01T00:00:00.000Z, is it right?',
  ],
  ['the control plane ended the session', 'the control plane ended the session'],
]

for (const [raw, want] of cases) {
  test(`"${raw}" is told as "${want}"`, () => {
    assert.equal(describeLoss(new Error(raw), 0), want)
  })
}
