import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CHATTERER = fileURLToPath(new URL('chatterer.js', import.meta.url))

/** Starts the chatterer; `before` runs it, and gets its command line. */
function chatterer(t: TestContext, before: readonly string[] = [], stderr: number | 'pipe' = 'pipe') {
  const [program = '', ...words] = [...before, process.execPath, CHATTERER]
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', stderr] }) as ChildProcessWithoutNullStreams
  t.after(() => child.kill('SIGKILL'))
  const told = createInterface(child.stdout)
  return { child, tell: (line: string) => tell(child, told, line) }
}

/** @returns what the chatterer answers, or how it ended */
async function tell(child: ChildProcessWithoutNullStreams, told: Interface, line: string): Promise<string> {
  const answer = Promise.race([once(told, 'line'), once(child, 'exit').then(([code]) => [`ended with ${code}`])])
  child.stdin.write(`${line}\n`)
  return String((await answer)[0])
}

test('a daemon whose log is on a full disk lives on, and logs again when there is room', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-log-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'log')
  const file = await open(path, 'a')
  // No file may grow beyond 8 blocks of 512 bytes; without the signal for it, writing more fails as on a full disk.
  const { tell } = chatterer(t, ['sh', '-c', 'ulimit -f 8; trap "" XFSZ; exec "$@"', 'sh'], file.fd)
  await file.close()
  for (let line = 1; line <= 6; line++) assert.equal(await tell('too much'.repeat(2)), String(line))
  await truncate(path)
  assert.equal(await tell('room'), '7')
  assert.match(await readFile(path, 'utf8'), /roomroom/)
})

test('a daemon whose log has no reader any more lives on', async (t) => {
  const { child, tell } = chatterer(t)
  assert.equal(await tell('one'), '1')
  child.stderr.destroy()
  for (let line = 2; line <= 4; line++) assert.equal(await tell('more'), String(line))
})
