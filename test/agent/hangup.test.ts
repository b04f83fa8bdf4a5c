import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit.js'
import { runDaemon } from '../api/daemon-process.js'
import { atEnd } from '../lab/at-end.js'
import { envoyOrSkip } from '../lab/envoy.js'

test('SIGHUP does not end an agent, and its log says why nothing happens', async (t) => {
  const envoy = await envoyOrSkip(t)
  if (envoy === undefined) return
  const root = await mkdtemp(join(tmpdir(), 'hangup-'))
  atEnd(t, () => rm(root, { recursive: true, force: true }))
  const settings = join(root, 'agent.yaml')
  const directories = ['stateDirectory', 'runDirectory', 'envoyRunDirectory'].map((key) => `${key}: ${join(root, key)}`)
  await writeFile(settings, [`envoy: { path: ${envoy} }`, ...directories].join('\n'))
  const agent = runDaemon(t, ['agent', '--config', settings])
  await agent.logs(/mesh join/)
  agent.signal('SIGHUP')
  await agent.logs(/SIGHUP changes nothing: .*followed by themselves/)
  agent.signal('SIGTERM')
  assert.equal(await agent.ended, EXIT.ok)
})
