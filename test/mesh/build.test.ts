import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog } from '../../controlplane/catalog/catalog.js'
import { buildResources } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import type { Mesh } from '../../controlplane/mesh/mesh.js'
import { readCases } from '../golden/case.js'
import { buildFrom, meshFrom } from './inputs.js'

const PORTS = `
pay-1:
  address: 10.0.0.1
  services:
    payments: { ports: { http: { port: 8080 }, admin: { port: 9090 }, bytes: { port: 9091, protocol: tcp } } }
`

/** On which numbers a mesh's hosts find a port by its name. */
function numbersOf(mesh: Mesh, port: string): readonly number[] {
  return [...mesh.nameViews.values()].flatMap(({ listeners }) =>
    listeners.filter((one) => one.port === port).map(({ address }) => address.port),
  )
}

test('the first http port of a service is the one on port 80', () => {
  const { mesh } = meshFrom(PORTS)
  assert.deepEqual(numbersOf(mesh, 'payments/http'), [80, 8080])
  assert.deepEqual(numbersOf(mesh, 'payments/admin'), [9090])
  assert.deepEqual(numbersOf(mesh, 'payments/bytes'), [9091])
})

test('a port of the service that has the number 80 keeps it', () => {
  const { mesh } = meshFrom(PORTS.replace('9090', '80'))
  assert.deepEqual(numbersOf(mesh, 'payments/http'), [8080])
  assert.deepEqual(numbersOf(mesh, 'payments/admin'), [80])
})

test('a declared upstream without a port calls the first port in the order of the file', () => {
  const hosts = `${PORTS}
web-1:
  address: 10.0.0.2
  services: { web: { upstreams: [{ service: payments, address: 127.0.0.1, port: 1 }] } }
`
  assert.deepEqual(
    meshFrom(hosts)
      .mesh.hosts.get('web-1')
      ?.upstreams.map(({ target }) => target),
    ['payments/http'],
  )
})

test('a declared upstream has an identity of its own only where the host calls with another', () => {
  const hosts = (caller: string) => `
web-1:
  address: 10.0.0.2
  ${caller}
  services: { web: { upstreams: [{ service: web, address: 127.0.0.1, port: 1 }] } }
`
  const identity = (caller: string) => meshFrom(hosts(caller)).mesh.hosts.get('web-1')?.upstreams[0]?.as
  assert.equal(identity('caller: web'), undefined)
  assert.equal(identity('caller: other'), 'web')
  assert.equal(identity(''), 'web')
})

test('rules of one name from several documents stay apart', () => {
  const rule = (service: string) => `{ name: x, from: { services: [${service}] } }`
  const { mesh } = meshFrom(
    PORTS,
    `{ kind: authorization, service: payments, deny: [${rule('a')}, { name: x-2, from: { services: [b] } }] }
---
{ kind: authorization, service: "*", deny: [${rule('c')}, { from: { services: [d] } }] }`,
  )
  assert.deepEqual(
    mesh.ports.get('payments/http')?.inbound?.access.deny.map(({ name }) => name),
    ['x', 'x-2', 'x-3', 'deny-4'],
  )
})

test('hosts share a view of names unless a port that a name would use is occupied', () => {
  const hosts = (occupied: string) => `
web-1: { address: 10.0.0.1, services: { web: {} } }
web-2: { address: 10.0.0.1, occupied: ${occupied}, services: { web: {} } }
`
  assert.equal(meshFrom(hosts('[22, 53]')).mesh.nameViews.size, 1)
  const { nameViews, hosts: built } = meshFrom(hosts('[22, 8080]')).mesh
  assert.equal(nameViews.size, 2)
  assert.deepEqual(
    nameViews.get(built.get('web-2')?.nameView ?? '')?.listeners.map(({ address }) => address.port),
    [80],
  )
})

/** The same catalog as if everything had been heard of in the opposite order. */
function reversed({ instances, hosts }: Catalog): Catalog {
  return {
    instances: new Map([...instances].reverse().map(([service, all]) => [service, all.toReversed()])),
    hosts: new Map([...hosts].reverse()),
  }
}

test('the order in which things become known changes no byte and no problem', async () => {
  for (const { name, built } of await readCases()) {
    const other = buildFrom(reversed(built.catalog), {
      ...built.config,
      services: new Map([...built.config.services].reverse()),
      routes: new Map([...built.config.routes].reverse()),
      catalogs: new Map([...built.config.catalogs].reverse()),
    })
    const straight = buildFrom(built.catalog, built.config)
    assert.deepEqual(other.problems, straight.problems, name)
    assert.deepEqual(versions(other.mesh), versions(straight.mesh), name)
  }
})

function versions(mesh: Mesh): readonly string[] {
  const { layers } = buildResources(mesh, { trustBundlePem: 'roots' }, new ResourceMemo())
  return [...layers].flatMap(([layer, set]) =>
    [...set.values()].flatMap((resources) =>
      [...resources.values()].map(({ type, name, version }) => `${layer} ${type} ${name} ${version}`),
    ),
  )
}
