import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../../common/memo/steps.js'
import { ENDPOINT } from '../../common/xds/types.js'
import { BuildMemo, type Built, buildSteps } from '../../controlplane/build.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { NO_OFFSETS, type Offsets } from '../../controlplane/mesh/virtual-address.js'
import { parseHosts } from '../../controlplane/offline/hosts-file.js'

const HOSTS = `
web-1: { address: 10.0.0.1, services: { web: { port: 8080 }, api: { port: 8081 } } }
web-2: { address: 10.0.0.2, redirect: 15001, services: { web: { port: 8080 } } }
pay-1: { address: 10.0.0.3, services: { payments: { port: 8080, upstreams: [{ service: db, port: 5432, address: 127.0.0.1 }] } } }
db-1: { address: 10.0.0.4, services: { db: { port: 5432, protocol: tcp } } }
`

const DOCUMENTS = {
  'web.yaml':
    '{ kind: route, service: web, rules: [{ match: { path: { prefix: /pay } }, to: { service: payments } }] }',
  'db.yaml': '{ kind: authorization, service: db, allow: [{ from: { services: [payments] } }] }',
  'payments.yaml': '{ kind: service, service: payments, timeouts: { request: 5s } }',
}

/** Builds again and again, from reports and documents that are read anew each time. */
function builder() {
  const memo = new BuildMemo()
  const loader = new ConfigLoader()
  let offsets: Offsets = NO_OFFSETS
  return (hosts = HOSTS, documents: Readonly<Record<string, string>> = DOCUMENTS): Built => {
    const files = Object.entries(documents).map(([shown, text]) => ({ shown, text }))
    const input = {
      agents: parseHosts('hosts.yaml', hosts).agents,
      config: loader.load({ files, hidden: [], problems: [] }, 0).loaded.config,
      mayRun: () => true,
      now: 0,
      offsets,
      mesh: { trustDomain: 'sharing.example', domain: 'mesh' },
      resources: { trustBundlePem: 'roots' },
    }
    const built = atOnce(buildSteps(input, memo))
    offsets = built.offsets
    return built
  }
}

/** What differs by identity between two maps. */
function changed(before: ReadonlyMap<string, unknown>, now: ReadonlyMap<string, unknown>): readonly string[] {
  return [...now].flatMap(([key, value]) => (before.get(key) === value ? [] : [key]))
}

test('when everything is told again, everything is the same object', () => {
  const build = builder()
  const [before, now] = [build(), build()]
  for (const part of ['catalog', 'mesh', 'problems', 'offsets'] as const) assert.equal(now[part], before[part], part)
  assert.equal(now.publication.layers, before.publication.layers)
  assert.equal(now.publication.clients, before.publication.clients)
})

test('an instance that fails changes the endpoints of its port, and no object beside them', () => {
  const build = builder()
  const before = build()
  const now = build(HOSTS.replace('web: { port: 8080 } } }', 'web: { port: 8080, health: critical } } }'))
  assert.equal(now.mesh.hosts, before.mesh.hosts)
  assert.equal(now.mesh.nameViews, before.mesh.nameViews)
  assert.deepEqual(changed(before.mesh.ports, now.mesh.ports), ['web/main'])
  const [old, port] = [before, now].map(({ mesh }) => mesh.ports.get('web/main'))
  assert.notEqual(port?.endpoints, old?.endpoints)
  for (const part of ['named', 'clusters', 'outbound', 'inbound', 'sources'] as const) {
    assert.equal(port?.[part], old?.[part], part)
  }
  assert.deepEqual(changed(before.publication.layers, now.publication.layers), ['shared'])
  const [oldSet, set] = [before, now].map(({ publication }) => publication.layers.get('shared') ?? new Map())
  assert.deepEqual(changed(oldSet ?? new Map(), set ?? new Map()), [ENDPOINT])
  assert.deepEqual(changed(oldSet?.get(ENDPOINT) ?? new Map(), set?.get(ENDPOINT) ?? new Map()), ['web/main'])
})

test('a document changes the ports that it is about, and no object beside them', () => {
  const build = builder()
  const before = build()
  const now = build(HOSTS, { ...DOCUMENTS, 'db.yaml': '{ kind: authorization, service: db, allow: [] }' })
  assert.equal(now.catalog, before.catalog)
  assert.equal(now.mesh.hosts, before.mesh.hosts)
  assert.deepEqual(changed(before.mesh.ports, now.mesh.ports), ['db/main'])
  assert.deepEqual(changed(before.publication.layers, now.publication.layers), ['host:db-1'])
})

test('a service changes the routes of others that lead to it, when it begins to speak gRPC', () => {
  const build = builder()
  const before = build()
  const now = build(HOSTS.replace('payments: { port: 8080', 'payments: { port: 8080, protocol: grpc'))
  assert.deepEqual(changed(before.mesh.ports, now.mesh.ports), ['payments/main', 'web/main'])
})
