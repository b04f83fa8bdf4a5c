import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** Watches directories, removes all their files, and stops while the watcher still looks at the first of them. */
const PROGRAM = `
import { mkdtempSync, unlinkSync, writeFileSync } from 'node:fs'
import { watchEvents } from '${new URL('../../common/config/directory-events.js', import.meta.url)}'
const [root] = process.argv.slice(-1)
const turns = async (count) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}
const watches = () => process.getActiveResourcesInfo().filter((kind) => kind === 'FSEventWrap').length
for (let attempt = 0; attempt < 12; attempt++) {
  const directory = mkdtempSync(root + '/')
  const files = Array.from({ length: 40 }, (_, file) => directory + '/' + file)
  for (const file of files) writeFileSync(file, '')
  const stop = watchEvents([directory], () => {})
  while (watches() <= files.length) await turns(1)
  await turns(1000)
  for (const file of files) unlinkSync(file)
  await turns(attempt % 3)
  await stop()
}
`

test('a process that stopped watching while files went away can end', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'events-'))
  t.after(() => rmSync(root, { recursive: true }))
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM, root], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
})
