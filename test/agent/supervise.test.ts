import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createEnvoyAdmin, type EnvoyAdmin } from '../../agent/envoy/admin.js'
import { createChildProcessLauncher } from '../../agent/envoy/child-process.js'
import { readProcess } from '../../agent/envoy/process-table.js'
import { restartPause } from '../../agent/envoy/supervise.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { happensWithin } from '../lab/within.js'
import { environmentOf, makeRunDirectory, standInSpec } from './stand-in.js'
import { startSupervisor } from './supervisor.js'

test('an Envoy that becomes live is shown as starting and then as ready', async (t) => {
  const supervisor = startSupervisor(t, standInSpec(makeRunDirectory(t), 'ready'))
  await supervisor.until(({ state }) => state === 'ready')
  assert.deepEqual(
    supervisor.seen.map(({ state, detail }) => [state, detail]),
    [
      ['starting', 'starting'],
      ['starting', 'waiting for its first configuration'],
      ['ready', 'live'],
    ],
  )
})

test('an Envoy that never becomes live stays shown as starting and is ended with the agent', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'never-ready')
  const admin = createEnvoyAdmin(spec.adminSocket)
  const answers = new Latest<readonly boolean[]>([])
  const supervisor = startSupervisor(t, spec, {
    admin: {
      ...admin,
      ready: async (signal) => {
        const ready = await admin.ready(signal)
        answers.set([...answers.value, ready])
        return ready
      },
    },
  })
  await waitFor(answers, ({ length }) => length === 3, t.signal)
  assert.deepEqual(answers.value, [false, false, false])
  const { pid = 0, state } = supervisor.status.value
  assert.equal(state, 'starting')
  await supervisor.stop()
  assert.equal(supervisor.status.value.state, 'stopped')
  assert.equal(await readProcess(pid), undefined)
})

test('an Envoy that is killed is started again within 2 s', async (t) => {
  await happensWithin(2000, async () => {
    const supervisor = startSupervisor(t, standInSpec(makeRunDirectory(t), 'ready'))
    const first = await supervisor.until(({ state }) => state === 'ready')
    const killed = performance.now()
    process.kill(first.pid ?? 0, 'SIGKILL')
    const crashed = await supervisor.until(({ state }) => state === 'crashed')
    const second = await supervisor.until(({ state, restarts }) => state === 'ready' && restarts === 1)
    assert.match(crashed.detail, /^ended by SIGKILL; starts again in 0\.0 s/)
    assert.notEqual(second.pid, first.pid)
    return performance.now() - killed
  })
})

test('a crash loop is shown with its count and with the last line of the log that says why', async (t) => {
  const supervisor = startSupervisor(t, standInSpec(makeRunDirectory(t), 'crash'))
  const { detail } = await supervisor.until(({ state, restarts }) => state === 'crashed' && restarts === 3)
  assert.match(detail, /^exited with code 1: cannot bind '0\.0\.0\.0:15090'; .*\(failure 3 in a row\)$/)
})

test('an Envoy that cannot even be started is a crash like any other', async (t) => {
  const spec = { ...standInSpec(makeRunDirectory(t), 'ready'), path: '/nowhere/envoy' }
  const supervisor = startSupervisor(t, spec, {}, { random: () => 1 })
  const { detail } = await supervisor.until(({ state, restarts }) => state === 'crashed' && restarts === 2)
  assert.match(detail, /^cannot be started: .*\/nowhere\/envoy.*; starts again in 1\.0 s/)
})

test('the first restart is at once, later ones after pauses that double up to 30 s', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => restartPause(failures, () => 1))
  assert.deepEqual(pauses, [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  assert.equal(
    restartPause(8, () => 0),
    0,
  )
})

test('an Envoy that was ready for a minute has its next crash counted as a first one', async (t) => {
  let now = 0
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const supervisor = startSupervisor(t, spec, {}, { monotonic: () => now })
  for (const [restarts, later, failure] of [
    [1, 0, 1],
    [2, 59_999, 2],
    [3, 60_000, 1],
  ] as const) {
    const { pid = 0 } = await supervisor.until(({ state }) => state === 'ready')
    now += later
    process.kill(pid, 'SIGKILL')
    const { detail } = await supervisor.until((state) => state.state === 'crashed' && state.restarts === restarts)
    assert.match(detail, new RegExp(`failure ${failure} in a row`))
  }
})

test('a stopped agent drains first and ends Envoy when nothing is in flight', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'slow-drain')
  const calls: string[] = []
  const admin = recordCalls(createEnvoyAdmin(spec.adminSocket), calls)
  const supervisor = startSupervisor(t, spec, { admin })
  await supervisor.until(({ state }) => state === 'ready')
  await supervisor.stop()
  assert.deepEqual(calls, ['healthcheckFail', 'drainListeners', 'activity', 'activity', 'activity', 'activity'])
  assert.ok(supervisor.seen.some(({ detail }) => detail.startsWith('draining')))
  assert.equal(supervisor.status.value.state, 'stopped')
})

test('an Envoy that never gets idle is ended when its drain time is up', async (t) => {
  const supervisor = startSupervisor(t, standInSpec(makeRunDirectory(t), 'busy', 300))
  const { pid = 0 } = await supervisor.until(({ state }) => state === 'ready')
  const began = performance.now()
  await supervisor.stop()
  assert.ok(performance.now() - began >= 290)
  assert.equal(await readProcess(pid), undefined)
})

test('an Envoy that ignores SIGTERM is killed', async (t) => {
  const supervisor = startSupervisor(t, standInSpec(makeRunDirectory(t), 'stubborn'), { stopGrace: 200 })
  const { pid = 0 } = await supervisor.until(({ state }) => state === 'ready')
  await supervisor.stop()
  assert.equal(await readProcess(pid), undefined)
})

test('Envoy gets none of the agent’s sockets, watchdogs and tokens', async (t) => {
  const environment = {
    PATH: '/usr/bin:/bin',
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '1',
    LISTEN_FDS: '1',
    CREDENTIALS_DIRECTORY: '/run/credentials',
    MESH_TOKEN: 'secret',
  }
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const envoy = await createChildProcessLauncher(environment, silentLog).launch(spec, t.signal)
  const names = environmentOf(envoy.pid).map((line) => line.split('=')[0])
  await envoy.stop(1000)
  assert.deepEqual(
    names.filter((name) => name !== 'PATH' && name !== 'PWD' && name !== '_'),
    [],
  )
})

test('Envoy is told to refuse unknown fields and not to die with the agent, and logs to the file that was asked for', async (t) => {
  const spec = standInSpec(makeRunDirectory(t), 'ready')
  const envoy = await createChildProcessLauncher({ PATH: '/usr/bin:/bin' }, silentLog).launch(spec, t.signal)
  const words = readFileSync(`/proc/${envoy.pid}/cmdline`, 'utf8').split('\0')
  await envoy.stop(1000)
  assert.ok(words.includes('--reject-unknown-dynamic-fields') && words.includes('--disable-hot-restart'))
  assert.equal(readFileSync(`${spec.runDirectory}/envoy.log`, 'utf8'), '')
})

function recordCalls(admin: EnvoyAdmin, calls: string[]): EnvoyAdmin {
  return {
    ...admin,
    healthcheckFail: (signal) => {
      calls.push('healthcheckFail')
      return admin.healthcheckFail(signal)
    },
    drainListeners: (signal) => {
      calls.push('drainListeners')
      return admin.drainListeners(signal)
    },
    activity: (statPrefix, signal) => {
      calls.push('activity')
      return admin.activity(statPrefix, signal)
    },
  }
}
