import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AdminError, createEnvoyAdmin } from '../../agent/envoy/admin.js'
import { makeRunDirectory } from './stand-in.js'

type Answers = Readonly<Record<string, readonly [number, string]>>

const readiness: readonly [string, Answers, boolean][] = [
  ['an Envoy that waits for its configuration is not ready', { '/ready': [503, 'PRE_INITIALIZING\n'] }, false],
  [
    'an Envoy that calls itself live before its listeners take connections is not ready',
    { '/ready': [200, 'LIVE\n'], '/stats': [200, '{"stats":[{"name":"listener_manager.workers_started","value":0}]}'] },
    false,
  ],
  [
    'an Envoy whose listeners take connections is ready',
    { '/ready': [200, 'LIVE\n'], '/stats': [200, '{"stats":[{"name":"listener_manager.workers_started","value":1}]}'] },
    true,
  ],
]

for (const [name, answers, want] of readiness) {
  test(name, async (t) => {
    assert.equal(await createEnvoyAdmin(await serve(t, answers)).ready(t.signal), want)
  })
}

test('activity is the sum over the listeners and connection managers of that prefix', async (t) => {
  const stats = [
    { name: 'listener.inbound.downstream_cx_active', value: 3 },
    { name: 'listener.inbound_plain.downstream_cx_active', value: 2 },
    { name: 'http.inbound_web.downstream_cx_active', value: 4 },
    { name: 'http.inbound_web.downstream_rq_active', value: 7 },
    { histograms: {} },
  ]
  const admin = createEnvoyAdmin(await serve(t, { '/stats': [200, JSON.stringify({ stats })] }))
  assert.deepEqual(await admin.activity('inbound', t.signal), { connections: 5, requests: 7, httpConnections: 4 })
})

test('an Envoy that is not there, refuses, hangs or talks nonsense is an AdminError that says which', async (t) => {
  const socket = await serve(t, { '/healthcheck/fail': [405, 'no'], '/config_dump': [200, '<html>'] })
  const cases = [
    [createEnvoyAdmin(join(socket, 'nowhere')).ready(t.signal), undefined, /does not answer/],
    [createEnvoyAdmin(socket).healthcheckFail(t.signal), 405, /answers \/healthcheck\/fail with 405/],
    [createEnvoyAdmin(socket).configDump(t.signal), 200, /cannot be read/],
    [createEnvoyAdmin(socket, 50).serverInfo(t.signal), undefined, /does not answer/],
  ] as const
  for (const [call, status, message] of cases) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof AdminError)
      assert.equal(error.status, status)
      assert.match(error.message, message)
      return true
    })
  }
})

/** An admin interface that gives these answers and none to other paths. */
async function serve(t: TestContext, answers: Answers): Promise<string> {
  const socket = join(makeRunDirectory(t), 'admin.sock')
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url ?? '', 'http://envoy').pathname]
    if (answer !== undefined) response.writeHead(answer[0]).end(answer[1])
  })
  await once(server.listen(socket), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return socket
}
