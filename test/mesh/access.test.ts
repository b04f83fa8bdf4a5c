import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controlPlaneId } from '../../common/identity.js'
import type { Principal } from '../../controlplane/mesh/mesh.js'
import { meshFrom, TRUST_DOMAIN } from './inputs.js'

const HOSTS = `
web-1: { address: 10.0.0.1, services: { web: {}, batch: {} } }
shop-1: { address: 10.0.0.2, services: { shop-cart: {}, shop-admin: {} } }
db-1: { address: 10.0.0.3, services: { ledger: { port: 5432, protocol: tcp } } }
`

/** Principals as one writes them: without the trust domain, prefixes with a star. */
function texts(principals: readonly Principal[]): readonly string[] {
  return principals
    .map((one) => (one.kind === 'exact' ? one.spiffeId : `${one.prefix}*`))
    .map((text) => text.replace(`spiffe://${TRUST_DOMAIN}/`, ''))
}

const EVERYBODY = ['host/*', 'svc/*']
const ALL_BUT_BATCH = ['host/*', 'svc/ledger', 'svc/shop-admin', 'svc/shop-cart', 'svc/web']

const TCP: readonly (readonly [string, string, readonly string[]])[] = [
  ['without rules every service and host of the mesh may connect', '', EVERYBODY],
  ['a mesh that denies by default lets nobody in', '{ kind: mesh, authorization: deny }', []],
  ['an empty allow list lets nobody in', 'allow: []', []],
  ['an allow list is what it names', 'allow: [{ from: { services: [web, web] } }]', ['svc/web']],
  ['services that do not run yet may be named', 'allow: [{ from: { services: [soon] } }]', ['svc/soon']],
  ['a pattern stays a pattern', 'allow: [{ from: { services: ["shop-*"] } }]', ['svc/shop-*']],
  ['a star is every service, and no host', 'allow: [{ from: { services: ["*"] } }]', ['svc/*']],
  ['a rule without from is everybody', 'allow: [{ name: all }]', EVERYBODY],
  ['a deny is everybody else', 'deny: [{ from: { services: [batch] } }]', ALL_BUT_BATCH],
  [
    'a deny of a pattern too',
    'deny: [{ from: { services: ["shop-*"] } }]',
    ['host/*', 'svc/batch', 'svc/ledger', 'svc/web'],
  ],
  ['a deny of a star leaves the hosts', 'deny: [{ from: { services: ["*"] } }]', ['host/*']],
  ['a deny without from leaves nobody', 'deny: [{ name: all }]', []],
  [
    'a deny comes before an allow',
    'deny: [{ from: { services: [shop-admin] } }], allow: [{ from: { services: ["shop-*", web] } }]',
    ['svc/shop-cart', 'svc/web'],
  ],
]

for (const [name, rules, want] of TCP) {
  test(`tcp: ${name}`, () => {
    const document =
      rules === '' || rules.startsWith('{') ? rules : `{ kind: authorization, service: ledger, ${rules} }`
    const { mesh } = meshFrom(HOSTS, document)
    const principals = mesh.ports.get('ledger/main')?.allowList?.principals ?? []
    assert.deepEqual(texts(principals), want)
    const cp = controlPlaneId(TRUST_DOMAIN, 'cp')
    assert.ok(principals.every((one) => (one.kind === 'exact' ? one.spiffeId !== cp : !cp.startsWith(one.prefix))))
  })
}

test('http: documents of a service, of several and of all add up', () => {
  const { mesh } = meshFrom(
    HOSTS,
    `{ kind: authorization, service: web, allow: [{ name: a, from: { services: [batch] }, to: { methods: [GET], paths: [/x, { prefix: /y/ }] } }] }
---
{ kind: authorization, services: [web, batch], deny: [{ from: { services: ["shop-*"] } }] }
---
{ kind: authorization, service: "*", allow: [{ name: a }] }`,
  )
  assert.deepEqual(mesh.ports.get('web/main')?.inbound?.access, {
    deny: [{ name: 'deny-1', principals: [{ kind: 'prefix', prefix: `spiffe://${TRUST_DOMAIN}/svc/shop-` }] }],
    allow: [
      {
        name: 'a',
        principals: [{ kind: 'exact', spiffeId: `spiffe://${TRUST_DOMAIN}/svc/batch` }],
        methods: ['GET'],
        paths: [
          { kind: 'exact', value: '/x' },
          { kind: 'prefix', value: '/y/' },
        ],
      },
      { name: 'a-2' },
    ],
  })
})

test('http: with nothing but deny whoever is not denied may', () => {
  const { mesh } = meshFrom(HOSTS, '{ kind: authorization, service: web, deny: [{ from: { services: [batch] } }] }')
  assert.equal(mesh.ports.get('web/main')?.inbound?.access.allow, undefined)
  assert.equal(mesh.ports.get('batch/main')?.inbound?.access.deny.length, 0)
})
