import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import { sourcesOf } from '../../controlplane/envoy/sources.js'
import { meshFrom } from '../mesh/inputs.js'

const HOSTS = `
web-1:
  address: 10.0.0.1
  services:
    web: { upstreams: [{ service: payments, address: 127.0.0.1, port: 1 }] }
    allow: { ports: { ledger: { port: 81 } } }
pay-1: { address: 10.0.0.2, services: { payments: { version: v1 }, ledger: { port: 5432, protocol: tcp } } }
`

const DOCUMENTS = `kind: service
service: payments
subsets: { v1: { labels: { version: v1 } } }
---
kind: route
service: payments
rules: [{ to: { subset: v1 } }]
---
kind: authorization
service: payments
allow: []
---
kind: authorization
service: ledger
allow: []
---
kind: route
service: ledger
rules: [{ to: { service: ledger } }]
`

const { mesh, problems } = meshFrom(HOSTS, DOCUMENTS)

const CASES: readonly (readonly [string, string, string, readonly number[]])[] = [
  ['a cluster comes from its service', CLUSTER, 'payments/main', [1]],
  ['so does that of a subset', CLUSTER, 'payments/main/v1', [1]],
  ['and that of another identity', CLUSTER, 'payments/main@web', [1]],
  ['and its endpoints', ENDPOINT, 'payments/main', [1]],
  ['outbound routes come from the route, then the service', ROUTE, 'outbound/payments/main', [5, 1]],
  ['of another identity too', ROUTE, 'outbound/payments/main@web', [5, 1]],
  ['inbound routes come from the authorization', ROUTE, 'inbound/payments/main', [9]],
  ['a tcp allow list too, whatever services are called', SECRET, 'allow/ledger/main', [13]],
  ['a name listener comes from the routes', LISTENER, 'name/payments/main/8080', [5, 1]],
  ['that of a tcp port too', LISTENER, 'name/ledger/main/5432', [17]],
  ['the way to an application comes from no document', CLUSTER, 'app:payments/main', []],
  ['nor does what is made of hosts', LISTENER, 'inbound', []],
  ['what is unknown comes from nothing', CLUSTER, 'nothing/main', []],
]

test('the documents are without faults', () => assert.deepEqual(problems, []))

for (const [name, type, resource, want] of CASES) {
  test(name, () => {
    assert.deepEqual(
      sourcesOf(mesh, type, resource).map(({ line }) => line),
      want,
    )
  })
}
