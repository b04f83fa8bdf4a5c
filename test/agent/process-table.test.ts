import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findProcesses } from '../../agent/envoy/process-table.js'
import { until } from '../e2e/until.js'

const MARK = '987710'

test('a process is found by its command line, and one in a container is not, be its command line the same', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('a process namespace can only be made by root')
  const directory = await mkdtemp(join(tmpdir(), 'process-table-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const script = join(directory, 'run')
  await writeFile(script, `exec sleep ${MARK}`)
  const own = spawn('sleep', [MARK], { stdio: 'ignore' })
  const container = spawn('unshare', ['--pid', '--fork', '--kill-child', 'sh', script], { stdio: 'ignore' })
  t.after(async () => {
    for (const child of [own, container]) {
      const ended = once(child, 'exit')
      if (child.kill('SIGKILL')) await ended
    }
  })
  await until('both to run', async () => (await sleepers()) === 2)
  assert.deepEqual(
    (await findProcesses('sleep', MARK)).map(({ pid }) => pid),
    [own.pid],
  )
})

/** How many processes of the whole machine sleep for so long. */
async function sleepers(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return commands.filter((command) => command === `sleep\0${MARK}\0`).length
}
