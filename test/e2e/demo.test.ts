import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
