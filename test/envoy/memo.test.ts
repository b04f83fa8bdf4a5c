import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../../common/memo/steps.js'
import { CLUSTER, ENDPOINT, ROUTE } from '../../common/xds/types.js'
import { buildResources, requireEqualResources, StaleResource } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import { MeshMemo, meshSteps } from '../../controlplane/mesh/build.js'
import type { Mesh, MeshPort } from '../../controlplane/mesh/mesh.js'
import { allocateOffsets, NO_OFFSETS } from '../../controlplane/mesh/virtual-address.js'
import { readCases } from '../golden/case.js'
import { meshFrom, TRUST_DOMAIN } from '../mesh/inputs.js'

const TRUST = { trustBundlePem: 'roots' }

async function meshOf(name: string): Promise<Mesh> {
  const found = (await readCases()).find((one) => one.name === name)
  assert.ok(found)
  return structuredClone(found.mesh)
}

/** The mesh with one endpoint of payments moved to another address. */
function withMovedEndpoint(mesh: Mesh): Mesh {
  const port = mesh.ports.get('payments/main') as MeshPort
  const endpoints = port.endpoints.map((one, index) =>
    index === 0 ? { ...one, endpoints: [{ address: { address: '10.9.9.9', port: 1 }, weight: 1 }] } : one,
  )
  return { ...mesh, ports: new Map(mesh.ports).set('payments/main', { ...port, endpoints }) }
}

test('a changed endpoint makes exactly one resource anew; everything else is the same object', async () => {
  const memo = new ResourceMemo()
  const mesh = await meshOf('services-without-any-document-get-the-defaults')
  const before = buildResources(mesh, TRUST, memo)
  const { made } = memo
  const after = buildResources(withMovedEndpoint(mesh), TRUST, memo)
  assert.equal(memo.made - made, 1)
  assert.equal(after.clients, before.clients)
  assert.equal(after.layers.get('shared')?.get(CLUSTER), before.layers.get('shared')?.get(CLUSTER))
  assert.notEqual(after.layers.get('shared')?.get(ENDPOINT), before.layers.get('shared')?.get(ENDPOINT))
  assert.equal(after.layers.get('host:web-1'), before.layers.get('host:web-1'))
})

test('the same mesh makes nothing, and the layers are the same object', async () => {
  const memo = new ResourceMemo()
  const mesh = await meshOf('a-tcp-service-with-weights-and-an-allow-list')
  const before = buildResources(mesh, TRUST, memo)
  const { made } = memo
  const after = buildResources(mesh, TRUST, memo)
  assert.equal(memo.made, made)
  assert.equal(after.layers, before.layers)
})

test('an equal mesh of other objects gives the layers that there are', async () => {
  const memo = new ResourceMemo()
  const mesh = await meshOf('a-tcp-service-with-weights-and-an-allow-list')
  const before = buildResources(mesh, TRUST, memo)
  const after = buildResources(structuredClone(mesh), TRUST, memo)
  for (const [layer, set] of after.layers) assert.equal(set, before.layers.get(layer), layer)
})

test('building everything anew gives the same bytes, and a stale resource is found and named', async () => {
  const memo = new ResourceMemo()
  const mesh = await meshOf('services-without-any-document-get-the-defaults')
  const stale = buildResources(mesh, TRUST, memo)
  const anew = (of: Mesh) => buildResources(of, TRUST, new ResourceMemo())
  requireEqualResources(anew(mesh), stale)
  const isStale = (error: unknown) => error instanceof StaleResource && error.resource === 'payments/main'
  assert.throws(() => requireEqualResources(anew(withMovedEndpoint(mesh)), stale), isStale)
})

/** Builds mesh and resources again and again. @returns the newest layers, and how many resources were made for them */
function builder() {
  const memo = { mesh: new MeshMemo(), resources: new ResourceMemo() }
  return (hosts: string, documents: string) => {
    const { catalog, config } = meshFrom(hosts, documents)
    const offsets = allocateOffsets(NO_OFFSETS, [...catalog.instances.keys()], 0)
    const settings = { trustDomain: TRUST_DOMAIN, domain: 'mesh' }
    const { mesh } = atOnce(meshSteps({ catalog, config, offsets, settings }, memo.mesh))
    const before = memo.resources.made
    const { layers } = buildResources(mesh, TRUST, memo.resources)
    return { layers, made: memo.resources.made - before }
  }
}

test('a changed rule makes one resource anew, on however many hosts it is enforced', () => {
  const hosts = ['a', 'b', 'c'].map((host, index) => `${host}: { address: 10.0.0.${index}, services: { web: {} } }`)
  const build = builder()
  build(hosts.join('\n'), '')
  const rule = '{ kind: authorization, service: web, deny: [{ from: { services: [batch] } }] }'
  const { layers, made } = build(hosts.join('\n'), rule)
  assert.equal(made, 1)
  const [a, b] = ['a', 'b'].map((host) => layers.get(`host:${host}`)?.get(ROUTE)?.get('inbound/web/main'))
  assert.ok(a !== undefined && a === b)
})

test('a document that moves in its file makes nothing anew', () => {
  const hosts = 'a: { address: 10.0.0.1, services: { web: {}, db: { port: 5432, protocol: tcp } } }'
  const documents = `{ kind: service, service: web, timeouts: { connect: 1s } }
---
{ kind: authorization, service: "*", deny: [{ from: { services: [batch] } }] }
---
{ kind: route, service: db, rules: [{ to: { service: db } }] }`
  const build = builder()
  const before = build(hosts, documents)
  const after = build(hosts, `# a new first line\n${documents}`)
  assert.equal(after.made, 0)
  assert.equal(after.layers, before.layers)
})
