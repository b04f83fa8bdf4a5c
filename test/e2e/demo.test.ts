import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MESH = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

test('the demo keeps every promise that it checks, and says so in its last line', { timeout: 180_000 }, async () => {
  const demo = spawn(process.execPath, [MESH, 'demo', '--check'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  demo.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const [code] = await once(demo, 'close')
  assert.match(output, /\n\d+ passed, 0 failed\n$/)
  assert.equal(code, 0)
})

test('a demo whose address is taken says which, and leaves no file', async () => {
  const temporary = await mkdtemp(join(tmpdir(), 'mesh-taken-'))
  const other = createServer()
  await once(other.listen(15012, '127.0.1.100'), 'listening')
  try {
    const demo = spawn(process.execPath, [MESH, 'demo'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    demo.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk
    })
    const [code] = await once(demo, 'close')
    assert.match(errors, /^mesh: the demo cannot listen at 127\.0\.1\.100:15012: it is in use \(EADDRINUSE\)\n/)
    assert.equal(code, 75)
    assert.deepEqual(await readdir(temporary), [])
  } finally {
    other.close()
    await rm(temporary, { recursive: true })
  }
})
