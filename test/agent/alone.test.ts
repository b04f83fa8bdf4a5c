import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { AgentRuns, runAlone } from '../../agent/alone.js'
import { until } from '../e2e/until.js'

const ALONE = fileURLToPath(new URL('../../agent/alone.js', import.meta.url))

async function runDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'alone-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'run')
}

test('a second agent with the same run directory is refused, until the first lets go', async (t) => {
  const directory = await runDirectory(t)
  const release = await runAlone(directory)
  await assert.rejects(runAlone(directory), AgentRuns)
  release()
  ;(await runAlone(directory))()
})

test("an agent that was killed is in nobody's way", async (t) => {
  const directory = await runDirectory(t)
  const script = `import { runAlone } from ${JSON.stringify(ALONE)}; await runAlone(${JSON.stringify(directory)}); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' })
  await until('the other process to hold it', async () => {
    await access(join(directory, 'agent.lock'))
    return true
  })
  await assert.rejects(runAlone(directory), AgentRuns)
  child.kill('SIGKILL')
  await once(child, 'exit')
  ;(await runAlone(directory))()
})

test('agents with different run directories do not know of each other', async (t) => {
  const releases = [await runAlone(await runDirectory(t)), await runAlone(await runDirectory(t))]
  for (const release of releases) release()
})
