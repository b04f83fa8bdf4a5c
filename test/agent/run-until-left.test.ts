import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leaveInOrder } from '../../agent/leave.js'
import { runUntilLeft } from '../../agent/run-until-left.js'
import { Latest } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import type { Task } from '../../common/tasks.js'

const untilAborted: Task = (signal) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Leaves, and notes which part ended when, and whether the host was leaving then. */
function noting(ended: string[]): Task {
  const leaving = new Latest(false)
  const part = (name: string): Task => {
    return (signal) => untilAborted(signal).then(() => void ended.push(`${name}, leaving: ${leaving.value}`))
  }
  // As real ones do, sessions end by themselves when the host leaves.
  const farewell: Task = (signal) =>
    new Promise((resolve) => {
      leaving.subscribe(resolve)
      signal.addEventListener('abort', () => resolve())
    })
  const sessions: Task = (signal) => farewell(signal).then(() => void ended.push(`sessions, leaving: ${leaving.value}`))
  return leaveInOrder({ leaving, sessions, envoy: part('envoy'), log: silentLog })
}

test('an agent that has a part that fails ends, tells the failure, and does not let the host leave', {
  timeout: 10_000,
}, async () => {
  const ended: string[] = []
  const fails: Task = () => Promise.reject(new Error('this part fails'))
  const running = runUntilLeft([untilAborted, fails], noting(ended), new AbortController().signal)
  await assert.rejects(running, /this part fails/)
  assert.deepEqual(ended.sort(), ['envoy, leaving: false', 'sessions, leaving: false'])
})

test('an agent that is told to stop lets the host leave: sessions end before Envoy', { timeout: 10_000 }, async () => {
  const ended: string[] = []
  const stop = new AbortController()
  const running = runUntilLeft([untilAborted], noting(ended), stop.signal)
  stop.abort()
  await running
  assert.deepEqual(ended, ['sessions, leaving: true', 'envoy, leaving: true'])
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
