import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DeadlineExceeded, withDeadline } from '../../agent/envoy/deadline.js'

test('a deadline holds although the garbage is collected meanwhile', async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const reason = await withDeadline(200, t.signal, async (signal) => {
    setImmediate(collectGarbage)
    await once(signal, 'abort')
    return signal.reason
  })
  assert.ok(reason instanceof DeadlineExceeded)
  assert.equal(reason.message, 'no answer within 0.2 s')
})

test('the signal that was given ends the work too, with its own reason', async () => {
  const controller = new AbortController()
  const reason = withDeadline(60_000, controller.signal, async (signal) => {
    await once(signal, 'abort')
    return signal.reason
  })
  controller.abort('enough')
  assert.equal(await reason, 'enough')
})

test('work under a signal that has aborted already finds its own aborted', async () => {
  assert.equal(await withDeadline(60_000, AbortSignal.abort(), async ({ aborted }) => aborted), true)
})
