import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit.js'
import { holdDirectory } from '../../common/hold-directory.js'
import { MESH } from '../docs/read-example.js'
import { atEnd } from '../lab/at-end.js'

const DIRECTORIES = ['stateDirectory', 'runDirectory', 'envoyRunDirectory'] as const

for (const shared of DIRECTORIES) {
  test(`a second agent that shares only the ${shared} of one that runs is refused with 75`, async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'held-'))
    atEnd(t, () => rm(root, { recursive: true, force: true }))
    const settings = join(root, 'agent.yaml')
    await writeFile(settings, DIRECTORIES.map((key) => `${key}: ${join(root, key)}\n`).join(''))
    const release = await holdDirectory('agent', join(root, shared))
    atEnd(t, async () => release())
    const command = [MESH, 'agent', '--config', settings]
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 20_000 })
    assert.equal(status, EXIT.tryAgain, stderr)
    assert.match(stderr, new RegExp(`^mesh: another agent runs on this host, with the same directory .*/${shared}\n`))
    assert.match(stderr, /^hint: .*`stateDirectory`/m)
  })
}
