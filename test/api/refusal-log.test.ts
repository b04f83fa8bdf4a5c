import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../common/log.js'
import { RefusalLog } from '../../controlplane/api/refusal-log.js'

const BANNED = { peer: '10.0.0.1', reason: 'host web-1 is banned' }
const FOREIGN = { peer: '10.0.0.1', reason: 'foreign trust domain other' }

function recorded() {
  const lines: unknown[] = []
  const warn = (message: string, fields = {}) => void lines.push({ message, ...fields })
  return { log: new RefusalLog({ ...silentLog, warn }, 'connection'), lines }
}

test('of refusals of one peer for one reason the first is told, and the others are counted', () => {
  const { log, lines } = recorded()
  for (const refusal of [BANNED, BANNED, FOREIGN, BANNED]) log.refused(refusal)
  assert.deepEqual(lines.splice(0), [
    { message: 'connection refused', ...BANNED },
    { message: 'connection refused', ...FOREIGN },
  ])
  log.minute()
  assert.deepEqual(lines.splice(0), [{ message: 'connections refused', ...BANNED, times: 2 }])
  log.refused(BANNED)
  log.minute()
  assert.deepEqual(lines, [{ message: 'connections refused', ...BANNED, times: 1 }])
})

test('a refusal after a quiet minute is told at once', () => {
  const { log, lines } = recorded()
  log.refused(BANNED)
  log.minute()
  log.refused(BANNED)
  assert.deepEqual(lines, Array(2).fill({ message: 'connection refused', ...BANNED }))
})

test('refusals from addresses without end are counted as one, and none is lost from the sum', () => {
  const { log, lines } = recorded()
  for (let index = 0; index < 5_000; index++) log.refused({ ...FOREIGN, peer: `10.1.${index >> 8}.${index & 255}` })
  assert.equal(lines.splice(0).length, 1_000)
  log.minute()
  assert.deepEqual(lines, [{ message: 'connections refused', peer: undefined, reason: 'various', times: 4_000 }])
})
