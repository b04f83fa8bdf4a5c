import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { MESH } from './read-example.js'

function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MESH, ...words], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('help shows the help of a command below another one, and refuses a command that there is not', () => {
  assert.deepEqual(run('help', 'token', 'create'), run('token', 'create', '--help'))
  assert.match(run('help').stdout, /^Usage: mesh /)
  const { status, stderr } = run('help', 'token', 'make')
  assert.equal(status, 64)
  assert.match(stderr, /no command token make/)
})

test('options that have to be given are marked in the help', () => {
  assert.match(run('token', 'create', '--help').stdout, /--host <name> .*(?:\n {10,}.*)?\(required\)/)
  assert.match(run('render', '--help').stdout, /--host <name> .*\(required\)/)
})

test('a setting without its value is refused with how to write it', () => {
  const { status, stderr } = run('agent', '--set', 'foo')
  assert.equal(status, 64)
  assert.match(stderr, /'foo' is invalid\. Write setting=value/)
})
