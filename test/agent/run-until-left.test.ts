import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runUntilLeft } from '../../agent/run-until-left.js'
import type { Task } from '../../common/tasks.js'

const untilAborted: Task = (signal) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

test('a host whose agent has a part that fails leaves in order, and the failure is told', {
  timeout: 10_000,
}, async () => {
  let left = false
  const leave: Task = async (signal) => {
    await untilAborted(signal)
    left = true
  }
  const fails: Task = () => Promise.reject(new Error('this part fails'))
  await assert.rejects(runUntilLeft([untilAborted, fails], leave, new AbortController().signal), /this part fails/)
  assert.ok(left)
})

test('the parts of an agent that is told to stop live until the host has left', { timeout: 10_000 }, async () => {
  const order: string[] = []
  const stop = new AbortController()
  const part: Task = (signal) => untilAborted(signal).then(() => void order.push('part ended'))
  const leave: Task = async (signal) => {
    await untilAborted(signal)
    await new Promise((resolve) => setImmediate(resolve))
    order.push('left')
  }
  const running = runUntilLeft([part], leave, stop.signal)
  stop.abort()
  await running
  assert.deepEqual(order, ['left', 'part ended'])
})
