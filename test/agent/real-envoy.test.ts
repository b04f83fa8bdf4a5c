import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createEnvoyAdmin } from '../../agent/envoy/admin.js'
import type { LaunchSpec } from '../../agent/envoy/launcher.js'
import { readProcess } from '../../agent/envoy/process-table.js'
import { Latest, waitFor } from '../../common/latest.js'
import { atEnd } from '../lab/at-end.js'
import { envoyOrSkip } from '../lab/envoy.js'
import { serveFixedAds } from '../lab/fixed-ads.js'
import { happensWithin } from '../lab/within.js'
import { abandonEnvoy } from './abandon.js'
import { freePort, inboundResources, realEnvoySpec } from './real-envoy.js'
import { makeRunDirectory } from './stand-in.js'
import { startSupervisor } from './supervisor.js'

test('a real Envoy that is killed serves again within 2 s', async (t) => {
  const mesh = await startMesh(t)
  if (mesh === undefined) return
  const supervisor = startSupervisor(t, mesh.spec)
  let times = 0
  await happensWithin(2000, async () => {
    const { pid = 0 } = await supervisor.until(({ state }) => state === 'ready')
    const killed = performance.now()
    process.kill(pid, 'SIGKILL')
    times++
    await supervisor.until(({ state, restarts }) => state === 'ready' && restarts === times)
    assert.equal(await fetchStatus(mesh.port), 200)
    return performance.now() - killed
  })
})

test('a real Envoy that cannot bind its port says so in its state', async (t) => {
  const mesh = await startMesh(t)
  if (mesh === undefined) return
  const spec = realEnvoySpec(mesh.spec.path, makeRunDirectory(t), mesh.applicationPort)
  const ads = await serveFixedAds(join(spec.runDirectory, 'xds.sock'))
  atEnd(t, ads.close)
  const { detail } = await startSupervisor(t, spec).until(({ state }) => state === 'crashed')
  assert.match(detail, /^exited with code 1: .*Address already in use/)
})

test('traffic goes on when the agent is killed, and the next agent adopts its real Envoy', async (t) => {
  const mesh = await startMesh(t)
  if (mesh === undefined) return
  const left = await abandonEnvoy(mesh.spec)
  assert.equal(await fetchStatus(mesh.port), 200)
  const supervisor = startSupervisor(t, mesh.spec)
  const { pid } = await supervisor.until(({ state }) => state === 'ready')
  assert.equal(pid, left)
  assert.equal(await fetchStatus(mesh.port), 200)
})

test('a request in flight is answered before a real Envoy is stopped', async (t) => {
  const mesh = await startMesh(t)
  if (mesh === undefined) return
  const supervisor = startSupervisor(t, mesh.spec)
  const { pid = 0 } = await supervisor.until(({ state }) => state === 'ready')
  mesh.hold()
  const answer = fetchStatus(mesh.port)
  const held = await waitFor(mesh.held, (response) => response !== undefined, t.signal)
  const admin = createEnvoyAdmin(mesh.spec.adminSocket)
  assert.deepEqual(await admin.activity('inbound', t.signal), { connections: 1, requests: 1, httpConnections: 1 })
  const stopped = supervisor.stop()
  await draining(mesh.spec, t.signal)
  assert.notEqual(await readProcess(pid), undefined)
  held?.end('late')
  assert.equal(await answer, 200)
  await stopped
  assert.equal(await readProcess(pid), undefined)
})

test('a real Envoy refuses a resource with an unknown field', async (t) => {
  const path = await envoyOrSkip(t)
  if (path === undefined) return
  const spec = realEnvoySpec(path, makeRunDirectory(t), 0, { metrics: undefined })
  const field2000 = Uint8Array.of(0x80, 0x7d, 0x01)
  const ads = await serveFixedAds(join(spec.runDirectory, 'xds.sock'), inboundResources(1, 1), field2000)
  atEnd(t, ads.close)
  startSupervisor(t, spec)
  const refusals = await waitFor(ads.refusals, ({ length }) => length === 2, AbortSignal.timeout(15_000))
  for (const refusal of refusals) assert.match(refusal, /unknown field/)
})

interface TestMesh {
  readonly spec: LaunchSpec
  /** Envoy's inbound port. */
  readonly port: number
  readonly applicationPort: number
  /** Makes the application keep the next requests. */
  readonly hold: () => void
  /** The request that it keeps. */
  readonly held: Latest<ServerResponse | undefined>
}

/** An application, an ADS server with one inbound listener for it, and the spec of the Envoy between them. */
async function startMesh(t: TestContext): Promise<TestMesh | undefined> {
  const path = await envoyOrSkip(t)
  if (path === undefined) return undefined
  const held = new Latest<ServerResponse | undefined>(undefined)
  let holding = false
  const application = createServer((_, response) => (holding ? held.set(response) : response.end('now')))
  await once(application.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    application.closeAllConnections()
    application.close()
  })
  const { port: applicationPort } = application.address() as AddressInfo
  const port = await freePort()
  const spec = realEnvoySpec(path, makeRunDirectory(t), 0, { metrics: undefined })
  const ads = await serveFixedAds(join(spec.runDirectory, 'xds.sock'), inboundResources(port, applicationPort))
  atEnd(t, ads.close)
  const hold = () => {
    holding = true
  }
  return { spec, port, applicationPort, hold, held }
}

function fetchStatus(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/', agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    }).on('error', reject)
  })
}

/** Resolves when Envoy says that it drains. */
async function draining(spec: LaunchSpec, signal: AbortSignal): Promise<void> {
  const admin = createEnvoyAdmin(spec.adminSocket)
  while ((await admin.serverInfo(signal)).state !== 'DRAINING') signal.throwIfAborted()
}
