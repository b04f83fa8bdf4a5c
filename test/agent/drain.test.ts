import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createEnvoyAdmin } from '../../agent/envoy/admin.js'
import { drainEnvoy } from '../../agent/envoy/drain.js'
import { silentLog } from '../../common/log.js'
import { atEnd } from '../lab/at-end.js'
import { makeRunDirectory } from './stand-in.js'

const BUSY = '{"stats":[{"name":"http.inbound.downstream_rq_active","value":1}]}'
const IDLE = '{"stats":[]}'

/** An admin socket that gives these answers to the looks for what is in flight, none at all where one is undefined. */
async function serve(t: TestContext, looks: readonly (string | undefined)[]): Promise<string> {
  const left = [...looks]
  const server = createServer(({ url = '' }, response) => {
    const answer = url.startsWith('/stats') ? left.shift() : 'OK'
    if (answer !== undefined) response.end(answer)
  })
  const socket = join(makeRunDirectory(t), 'admin.sock')
  await once(server.listen(socket), 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  return socket
}

test('an Envoy that answers late keeps what it has in flight: it is asked again', async (t) => {
  const admin = createEnvoyAdmin(await serve(t, [BUSY, undefined, BUSY, undefined, IDLE]), 200)
  const limits = { drainTime: 30_000, interval: 10 }
  assert.equal(await drainEnvoy(admin, limits, silentLog, t.signal), 'drained')
})

test('an Envoy that never answers is waited for until its drain time is up', async (t) => {
  const admin = createEnvoyAdmin(await serve(t, [BUSY, undefined]), 100)
  const limits = { drainTime: 1000, interval: 10 }
  assert.equal(await drainEnvoy(admin, limits, silentLog, t.signal), 'timed out')
})

test('an Envoy whose admin socket is not there is not waited for', async (t) => {
  const admin = createEnvoyAdmin(join(makeRunDirectory(t), 'admin.sock'))
  assert.equal(await drainEnvoy(admin, { drainTime: 60_000, interval: 10 }, silentLog, t.signal), 'gone')
})
