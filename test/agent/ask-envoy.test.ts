import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askEnvoy } from '../../agent/envoy/ask.js'
import { QUESTIONS } from '../../common/questions.js'

const { signal } = new AbortController()

/** An admin socket that says the same to everything, and notes what it was asked. */
async function startAdmin(t: TestContext, body: string) {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-ask-'))
  const socket = join(directory, 'admin.sock')
  const asked: string[] = []
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`)
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(async () => {
    server.close()
    await rm(directory, { recursive: true })
  })
  return { ask: askEnvoy(socket), asked }
}

test('every question reads, and none of them a path that changes anything', async (t) => {
  const { ask, asked } = await startAdmin(t, '{}')
  for (const about of QUESTIONS) assert.equal(await ask(about, signal), '{}')
  assert.equal(asked.length, QUESTIONS.length)
  for (const one of asked) assert.match(one, /^GET \/(?:config_dump|clusters|listeners|stats)\?/)
})

test('a question that is none never reaches Envoy', async (t) => {
  const { ask, asked } = await startAdmin(t, '{}')
  for (const about of ['quitquitquit', '/config_dump', 'dump/../quitquitquit', '__proto__', 'constructor', ''])
    await assert.rejects(ask(about, signal), /knows no question/)
  assert.deepEqual(asked, [])
})

test('an answer that holds a private key is not passed on, as it is or in base64', async (t) => {
  const pem = '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n'
  for (const body of [pem, JSON.stringify(pem), Buffer.from(pem).toString('base64')]) {
    const { ask } = await startAdmin(t, body)
    await assert.rejects(ask('dump', signal), /private key/)
  }
})
