import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findProcesses } from '../../agent/envoy/process-table.js'
import { runningAs } from '../e2e/process-table.js'
import { until } from '../e2e/until.js'

const MARK = '987710'
const OTHER_MARK = '987711'

test('a process is found by its command line, and one in a container is not, be its command line the same', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('a process namespace can only be made by root')
  const directory = await mkdtemp(join(tmpdir(), 'process-table-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const script = join(directory, 'run')
  await writeFile(script, `exec sleep ${MARK}`)
  const own = spawn('sleep', [MARK], { stdio: 'ignore', detached: true })
  const container = spawn('unshare', ['--pid', '--fork', '--kill-child', 'setsid', 'sh', script], { stdio: 'ignore' })
  t.after(async () => {
    for (const child of [own, container]) {
      const ended = once(child, 'exit')
      if (child.kill('SIGKILL')) await ended
    }
  })
  await until('both to run', async () => (await runningAs('sleep', MARK)).length === 2)
  assert.deepEqual(
    (await findProcesses('sleep', MARK)).map(({ pid }) => pid),
    [own.pid],
  )
})

test('a program of another user, or one that a terminal runs, is not taken for ours, be its command line the same', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can be another user')
  const others = [
    spawn('sleep', [OTHER_MARK], { stdio: 'ignore', detached: true, uid: 65_534, gid: 65_534 }),
    spawn('sleep', [OTHER_MARK], { stdio: 'ignore' }),
  ]
  t.after(() => others.map((child) => child.kill('SIGKILL')))
  await until('both to run', async () => (await runningAs('sleep', OTHER_MARK)).length === 2)
  assert.deepEqual(await findProcesses('sleep', OTHER_MARK), [])
})
