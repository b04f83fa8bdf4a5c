import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildBootstrap } from '../../agent/bootstrap.js'
import { createEnvoyAdmin } from '../../agent/envoy/admin.js'
import type { LaunchSpec } from '../../agent/envoy/launcher.js'
import { atEnd } from '../lab/at-end.js'
import { envoyOrSkip, TEST_ENVOYS } from '../lab/envoy.js'
import { serveFixedAds } from '../lab/fixed-ads.js'
import { happensWithin } from '../lab/within.js'
import { envoyLog, freePort, realEnvoySpec } from './real-envoy.js'
import { makeRunDirectory } from './stand-in.js'
import { startSupervisor } from './supervisor.js'

for (const version of TEST_ENVOYS) {
  test(`Envoy ${version} accepts the bootstrap, with and without its optional parts`, async (t) => {
    const envoy = await envoyOrSkip(t, version)
    if (envoy === undefined) return
    const directory = makeRunDirectory(t)
    for (const input of [{}, { heapLimit: 512 * 2 ** 20 }, { metrics: undefined, locality: {}, metadata: {} }]) {
      const { bootstrap } = realEnvoySpec(envoy, directory, 15_090, input)
      const words = ['--mode', 'validate', '-c', bootstrap, '--log-level', 'warning']
      const output: string = execFileSync(envoy, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      assert.equal(output.trim(), `configuration '${bootstrap}' OK`)
    }
  })

  test(`Envoy ${version} starts without a warning, as the node that it is told to be`, async (t) => {
    const live = await startEnvoy(t, version)
    if (live === undefined) return
    assert.equal(envoyLog(live.spec), '')
    const info = JSON.stringify(await createEnvoyAdmin(live.spec.adminSocket).configDump(t.signal))
    assert.match(info, /"id":"n","cluster":"hostmesh","metadata":\{"mesh":\{"services":\["n"\]\}\}/)
    assert.match(info, /"locality":\{"region":"eu","zone":"eu-a"\}/)
  })

  test(`Envoy ${version} serves exactly /metrics and /ready to others`, async (t) => {
    const live = await startEnvoy(t, version)
    if (live === undefined) return
    const metrics = await send(live.metrics, 'GET', '/metrics')
    assert.equal(metrics.status, 200)
    assert.match(metrics.body, /^envoy_server_live\{\} 1$/m)
    assert.deepEqual(await send(live.metrics, 'GET', '/ready'), { status: 200, body: 'LIVE\n' })
    for (const [method, path] of FORBIDDEN) {
      // Without a body: the admin interface answers what it does not know with the list of its commands.
      assert.deepEqual([path, await send(live.metrics, method, path)], [path, { status: 404, body: '' }])
    }
    assert.equal(live.supervisor.status.value.restarts, 0)
    assert.equal(live.supervisor.status.value.state, 'ready')
  })
}

const FORBIDDEN: readonly [string, string][] = [
  ...[
    '/',
    '/help',
    '/config_dump',
    '/certs',
    '/stats',
    '/stats/prometheus',
    '/server_info',
    '/clusters',
    '/memory',
  ].map((path): [string, string] => ['GET', path]),
  ...['/quitquitquit', '/healthcheck/fail', '/drain_listeners', '/logging', '/reset_counters', '/runtime_modify'].map(
    (path): [string, string] => ['POST', path],
  ),
  ['GET', '/ready/'],
  ['GET', '/readyx'],
  ['GET', '/metrics/../config_dump'],
  ['GET', '/metrics/..%2fconfig_dump'],
  ['GET', '//ready'],
  ['POST', '/ready'],
  ['POST', '/metrics'],
]

test('without an agent Envoy is not live, and becomes live as soon as the agent answers', async (t) => {
  const envoy = await envoyOrSkip(t)
  if (envoy === undefined) return
  await happensWithin(2500, async () => {
    const directory = makeRunDirectory(t)
    const spec = realEnvoySpec(envoy, directory, await freePort())
    const supervisor = startSupervisor(t, spec)
    await supervisor.until(({ detail }) => detail === 'waiting for its first configuration')
    await failedConnections(spec, 4, t.signal)
    assert.equal(await createEnvoyAdmin(spec.adminSocket).ready(t.signal), false)
    const ads = await serveFixedAds(join(directory, 'xds.sock'))
    atEnd(t, ads.close)
    const began = performance.now()
    await supervisor.until(({ state }) => state === 'ready')
    return performance.now() - began
  })
})

test('equal input gives equal bytes', () => {
  const input = { host: 'n', locality: {}, metadata: { a: 1 }, xdsSocket: '/x', adminSocket: '/a', metrics: undefined }
  assert.equal(buildBootstrap(input), buildBootstrap(structuredClone(input)))
})

interface LiveEnvoy {
  readonly spec: LaunchSpec
  readonly metrics: Target
  readonly supervisor: ReturnType<typeof startSupervisor>
}

async function startEnvoy(t: TestContext, version: string): Promise<LiveEnvoy | undefined> {
  const envoy = await envoyOrSkip(t, version)
  if (envoy === undefined) return undefined
  const directory = makeRunDirectory(t)
  const ads = await serveFixedAds(join(directory, 'xds.sock'))
  atEnd(t, ads.close)
  const port = await freePort()
  const spec = realEnvoySpec(envoy, directory, port)
  const supervisor = startSupervisor(t, spec)
  await supervisor.until(({ state }) => state === 'ready')
  return { spec, metrics: { host: '127.0.0.1', port }, supervisor }
}

/** Resolves when Envoy has tried in vain to reach the agent so often. */
async function failedConnections(spec: LaunchSpec, wanted: number, signal: AbortSignal): Promise<void> {
  const path = '/stats?filter=^cluster.mesh_agent.upstream_cx_connect_fail$'
  for (let count = 0; count < wanted; ) {
    signal.throwIfAborted()
    const { body } = await send({ socketPath: spec.adminSocket }, 'GET', path).catch(() => ({ body: '' }))
    count = Number(/: (\d+)/.exec(body)?.[1] ?? 0)
  }
}

type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number }

function send(to: Target, method: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ ...to, method, path, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    call.on('error', reject)
    call.end()
  })
}
