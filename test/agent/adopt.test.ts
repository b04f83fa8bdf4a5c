import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createChildProcessLauncher } from '../../agent/envoy/child-process.js'
import { findProcesses, isRunning, readProcess } from '../../agent/envoy/process-table.js'
import { createLog, silentLog } from '../../common/log.js'
import { happensWithin } from '../lab/within.js'
import { abandonEnvoy } from './abandon.js'
import { makeRunDirectory, standInSpec } from './stand-in.js'
import { startSupervisor } from './supervisor.js'

test('Envoy outlives an agent that is killed, and the next agent adopts it', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const left = await abandonEnvoy(spec)
  assert.notEqual(await readProcess(left), undefined)
  const supervisor = startSupervisor(t, spec)
  const { pid, restarts } = await supervisor.until(({ state }) => state === 'ready')
  assert.deepEqual([pid, restarts], [left, 0])
})

test('an adopted Envoy that ends is noticed and started again within 2 s', async (t) => {
  await happensWithin(2000, async () => {
    const spec = standInSpec(makeRunDirectory(t), 'ready')
    const left = await abandonEnvoy(spec)
    const supervisor = startSupervisor(t, spec)
    await supervisor.until(({ state }) => state === 'ready')
    const killed = performance.now()
    process.kill(left, 'SIGKILL')
    await supervisor.until(({ state, restarts }) => state === 'ready' && restarts === 1)
    return performance.now() - killed
  })
})

test('an adopted Envoy is drained and ended like one of our own', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const left = await abandonEnvoy(spec)
  const supervisor = startSupervisor(t, spec)
  await supervisor.until(({ state }) => state === 'ready')
  await supervisor.stop()
  assert.equal(await readProcess(left), undefined)
})

test('an agent that leaves Envoy running hands it to the next one', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const first = startSupervisor(t, spec, { whenStopped: () => 'leave' })
  const before = await first.until(({ state }) => state === 'ready')
  await first.stop()
  const second = startSupervisor(t, spec)
  const after = await second.until(({ state }) => state === 'ready')
  assert.equal(after.pid, before.pid)
})

const different: readonly [string, (spec: ReturnType<typeof standInSpec>) => ReturnType<typeof standInSpec>][] = [
  ['whose bootstrap has changed', (spec) => standInSpec(spec.runDirectory, 'slow-drain')],
  ['with other arguments', (spec) => ({ ...spec, concurrency: 2 })],
  ['whose start nobody wrote down', (spec) => withoutRecord(spec)],
  ['whose record cannot be read', (spec) => withoutRecord(spec, '{"pid":')],
]

for (const [name, change] of different) {
  test(`an Envoy ${name} is ended and another takes its place`, async (t) => {
    const spec = standInSpec(makeRunDirectory(t), 'ready')
    const left = await readProcess(await abandonEnvoy(spec))
    assert.ok(left !== undefined)
    const supervisor = startSupervisor(t, change(spec))
    const { pid } = await supervisor.until(({ state }) => state === 'ready')
    assert.notEqual(pid, left.pid)
    assert.equal(await isRunning(left), false)
    assert.equal((await findProcesses('-c', spec.bootstrap)).length, 1)
  })
}

test('an Envoy that hangs is not adopted', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const left = await abandonEnvoy(spec)
  process.kill(left, 'SIGSTOP')
  const launcher = createChildProcessLauncher(process.env, silentLog, 100, 100)
  const supervisor = startSupervisor(t, spec, { launcher })
  const { pid } = await supervisor.until(({ state }) => state === 'ready')
  assert.notEqual(pid, left)
})

test('an Envoy that answers late is adopted all the same', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const left = await abandonEnvoy(spec)
  process.kill(left, 'SIGSTOP')
  const log = createLog('info', (line) => {
    if (line.includes('does not answer yet')) process.kill(left, 'SIGCONT')
  })
  const supervisor = startSupervisor(t, spec, { launcher: createChildProcessLauncher(process.env, log) })
  const { pid } = await supervisor.until(({ state }) => state === 'ready')
  assert.equal(pid, left)
})

function withoutRecord(spec: ReturnType<typeof standInSpec>, content?: string) {
  const record = join(spec.runDirectory, 'envoy-process.json')
  if (content === undefined) rmSync(record)
  else writeFileSync(record, content)
  return spec
}
