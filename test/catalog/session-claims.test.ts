import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUIET_MS, SessionClaims } from '../../controlplane/catalog/session-claims.js'

const SIGHTS: readonly (readonly [string, string, string])[] = [
  ['one agent that connects again and again', 'xxxx', ''],
  ['an agent that is started anew while its old stream is not known to be dead', 'xy', ''],
  ['one that is started anew, and reconnects then', 'xyyzz', ''],
  ['an agent that comes back although another one began', 'xyx', 'x'],
  ['two agents that try in turn: the one that was seen last stays', 'xyxyxy', 'xx'],
  ['three agents of one disk', 'xyzxyz', 'xy'],
  ['agents that do not tell who they are', '----', ''],
]

for (const [name, ids, refused] of SIGHTS) {
  test(`${name}: ${refused === '' ? 'no alarm' : 'an alarm'}`, () => {
    const claims = new SessionClaims(() => 5)
    let turnedAway = ''
    for (const id of ids.replaceAll('-', ' ')) {
      const claimant = { id: id.trim(), peer: `from ${id}`, supersede: () => undefined }
      if (!claims.claim('web-1', claimant)) turnedAway += id
    }
    assert.equal(turnedAway, refused)
    assert.equal(claims.alarms.value.has('web-1'), refused !== '')
  })
}

test('an agent that is refused gets in when the other one has gone', () => {
  const claims = new SessionClaims(() => 5)
  const of = (id: string) => ({ id, peer: id, supersede: () => undefined })
  const newer = of('y')
  claims.claim('web-1', of('x'))
  claims.claim('web-1', newer)
  assert.equal(claims.claim('web-1', of('x')), false)
  claims.release('web-1', newer)
  assert.equal(claims.claim('web-1', of('x')), true)
})

test('an alarm tells since when and where both are; after a quiet time it begins anew', () => {
  let now = 1000
  const claims = new SessionClaims(() => now)
  const of = (id: string) => ({ id, peer: `10.0.0.1:${id}`, supersede: () => undefined })
  claims.claim('web-1', of('x'))
  claims.claim('web-1', of('y'))
  claims.claim('web-1', of('x'))
  now = 2000
  claims.claim('web-1', of('x'))
  const peers = { kept: '10.0.0.1:y', refused: '10.0.0.1:x' }
  assert.deepEqual(claims.alarms.value.get('web-1'), { since: 1000, last: 2000, ...peers })
  now = 2000 + QUIET_MS
  claims.claim('web-1', of('x'))
  assert.deepEqual(claims.alarms.value.get('web-1'), { since: now, last: now, ...peers })
  claims.forget('web-1')
  assert.equal(claims.alarms.value.size, 0)
})
