import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ServiceDescription } from '../../common/admin-api.js'
import { startAnswering } from './answering.js'
import type { Application } from './application.js'
import { PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

let lab: MeshLab
let applications: readonly Application[] = []

const DOCUMENTS = `kind: service
service: payments
timeouts: { connect: 2s }
---
kind: route
service: payments
rules:
  - match: { path: { prefix: /charge } }
    timeout: 3s
---
kind: authorization
service: payments
allow: [{ from: { services: [web] } }]
`

before(async () => {
  applications = await startAnswering([WEB, PAY_1])
  lab = await MeshLab.start({ hosts: [WEB, PAY_1], documents: { 'payments.yaml': DOCUMENTS } })
})

after(async () => {
  await lab?.end()
  for (const application of applications) await application.end()
})

interface Rendered {
  readonly name: string
  readonly version: string
  readonly sources: readonly string[]
}

interface Dumped {
  readonly version_info?: string
  readonly name?: string
  readonly cluster?: {
    readonly name: string
    readonly connect_timeout?: string
    readonly circuit_breakers?: {
      readonly thresholds: readonly {
        readonly max_connections: number
        readonly retry_budget?: { readonly min_retry_concurrency: number }
      }[]
    }
    readonly outlier_detection?: { readonly base_ejection_time: string }
  }
  readonly active_state?: { readonly version_info: string }
  readonly route_config?: { readonly name: string }
  readonly endpoint_config?: { readonly cluster_name: string }
}

interface Dump {
  readonly configs: readonly {
    readonly dynamic_active_clusters?: readonly Dumped[]
    readonly dynamic_listeners?: readonly Dumped[]
    readonly dynamic_route_configs?: readonly Dumped[]
    readonly dynamic_endpoint_configs?: readonly Dumped[]
  }[]
}

const mesh = async (host: string, ...words: readonly string[]) => JSON.parse(await lab.mesh('host', host, ...words))

/** `<type> <name> <version>` of all that the live Envoy of a host has from xDS, as its own dump tells. */
async function dumped(host: string): Promise<readonly string[]> {
  const { configs } = (await mesh(host, 'dump')) as Dump
  const of = (key: keyof Dump['configs'][number]) => configs.flatMap((one) => one[key] ?? [])
  return [
    ...of('dynamic_active_clusters').map(
      ({ cluster, version_info: version }) => `clusters ${cluster?.name} ${version}`,
    ),
    ...of('dynamic_listeners').map(({ name, active_state: state }) => `listeners ${name} ${state?.version_info}`),
    ...of('dynamic_route_configs').map((one) => `routes ${one.route_config?.name} ${one.version_info}`),
  ].sort()
}

async function rendered(host: string): Promise<readonly string[]> {
  const text = await lab.run('render', '--host', host, '--config', lab.files.settings, '-o', 'json')
  const all = JSON.parse(text) as Readonly<Record<string, readonly Rendered[]>>
  return ['clusters', 'listeners', 'routes']
    .flatMap((key) => (all[key] ?? []).map(({ name, version }) => `${key} ${name} ${version}`))
    .sort()
}

for (const { name } of [WEB, PAY_1]) {
  test(`what is rendered for ${name} offline is what its live Envoy says that it has, version by version`, async () => {
    // What a host has just told is on its way to the state on disk, and to Envoy, for a moment.
    await until('both to be the same', async () => {
      const live = await dumped(name)
      assert.ok(live.length > 3, live.join('\n'))
      assert.deepEqual(await rendered(name), live)
      return true
    })
  })
}

test('what is described of a service is what the live Envoy of its caller has', async () => {
  const { settings, routes, instances } = JSON.parse(
    await lab.mesh('describe', 'service', 'payments', '-o', 'json'),
  ) as ServiceDescription
  const told = new Map(settings.map(({ setting, value }) => [setting, value]))
  const { configs } = (await mesh('web-1', 'dump')) as Dump
  const clusters = configs.flatMap((one) => one.dynamic_active_clusters ?? [])
  const cluster = clusters.find((one) => one.cluster?.name === 'payments/main')?.cluster
  const [limits] = cluster?.circuit_breakers?.thresholds ?? []
  assert.deepEqual(
    [cluster?.connect_timeout, limits?.max_connections, limits?.retry_budget?.min_retry_concurrency],
    ['2s', told.get('connections.max'), told.get('connections.retryBudget.minimum')],
  )
  assert.equal(cluster?.outlier_detection?.base_ejection_time, `${Number(told.get('outlier.ejection')) / 1000}s`)
  assert.deepEqual(
    routes.map(({ match, timeout, inEffect }) => [match, timeout, inEffect]),
    [['path /charge…', 3000, true]],
  )
  assert.deepEqual(
    instances.map(({ host, used, notes }) => [host, used, notes]),
    [['pay-1', true, []]],
  )
})

test('the YAML form names the documents that a resource was made from, and is read by --type', async () => {
  const text = await lab.run('render', '--host', 'web-1', '--type', 'rds', '--config', lab.files.settings)
  assert.match(text, /^routes:\n/)
  assert.match(text, /# from .*payments\.yaml:5/)
  assert.match(text, /prefix: \/charge/)
  assert.doesNotMatch(text, /^clusters:/m)
})

test('no dump holds a private key, and each table has rows', async () => {
  const dump = await lab.mesh('host', 'web-1', 'dump')
  assert.match(dump, /svc\/web|payments/)
  assert.doesNotMatch(dump, /PRIVATE KEY|LS0tLS1CRUdJTiBQUklWQVRF|LS0tLS1CRUdJTiBFQyBQUklWQVRF/)
  for (const about of ['clusters', 'listeners', 'routes', 'endpoints', 'secrets', 'stats']) {
    const table = await lab.mesh('host', 'web-1', about)
    assert.ok(table.trim().split('\n').length > 1, `${about}: ${table}`)
  }
  assert.match(await lab.mesh('host', 'web-1', 'clusters'), /payments\/main +127\.0\.3\.2:15006 +HEALTHY/)
  assert.match(await lab.mesh('host', 'web-1', 'endpoints'), /payments\/main +127\.0\.3\.2:15006 +HEALTHY +\d+ /)
  assert.match(await lab.mesh('host', 'web-1', 'routes'), /\/charge\S* .*payments\/main/)
  assert.match(await lab.mesh('host', 'web-1', 'endpoints', '-o', 'json'), /"lb_endpoints"/)
  assert.doesNotMatch(await lab.mesh('host', 'web-1', 'secrets', '-o', 'json'), /PRIVATE KEY|LS0tLS1CRUdJTiBQUklWQVRF/)
})

test('a host that is not live, and one that nobody knows, are told by exit codes', async () => {
  await assert.rejects(lab.mesh('host', 'nobody', 'dump'), /code 66: .*no host nobody has joined/)
  await lab.process('pay-1').end('SIGKILL')
  await assert.rejects(lab.mesh('host', 'pay-1', 'dump'), /code 69: .*not live/)
})
