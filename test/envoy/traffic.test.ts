import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { SocketAddress } from '../../common/socket-address.js'
import { CLUSTER } from '../../common/xds/types.js'
import { envoyOrSkip, TEST_ENVOYS } from '../lab/envoy.js'
import { meshFrom, TRUST_DOMAIN } from '../mesh/inputs.js'
import {
  type Application,
  ask,
  askRaw,
  readGreeting,
  type SeenRequest,
  startGreeter,
  startHttp,
} from './application.js'
import { knock } from './knock.js'
import { EnvoyLab } from './lab.js'

/** Addresses of this process alone, so that other tests can run beside it. */
const NET = `127.${128 + (process.pid % 120)}`

const [WEB, PAY_1, PAY_2] = [`${NET}.255.1`, `${NET}.255.2`, `${NET}.255.3`]

/** Only root may listen on port 80. */
const LOW_PORTS = process.getuid?.() === 0

const HOSTS = `
web-1:
  address: ${WEB}
  caller: web
  range: ${NET}.0.0/16
  occupied: [${LOW_PORTS ? '' : 80}]
  services:
    web: { port: 9000 }
    intruder:
      port: 9001
      upstreams:
        - { service: payments, address: ${WEB}, port: 9101 }
        - { service: ledger, address: ${WEB}, port: 9102 }
pay-1:
  address: ${PAY_1}
  range: ''
  services:
    payments: { port: 8080, version: v1 }
    ledger: { port: 5433, protocol: tcp }
pay-2:
  address: ${PAY_2}
  range: ''
  services:
    payments: { port: 8080, version: v2 }
`

const SUBSETS = `
kind: service
service: payments
subsets:
  v1: { labels: { version: v1 } }
  v2: { labels: { version: v2 } }
`

const GREETING = 'hello from ledger'

/** How often Envoy has replaced a listener, which drains connections. */
const MODIFIED = 'listener_manager.listener_modified'

const SPELLINGS_OF_ADMIN = [
  '/admin',
  '/admin/users?x=1',
  '//admin',
  '/./admin',
  '/x/../admin',
  '/%61dmin',
  '/x/%2e%2e/admin',
  '/x/..%2fadmin',
  '/%2fadmin',
  '/..%5cadmin',
  '/x\\..\\admin',
]

const PAYMENTS = named('payments', 8080)
const LEDGER = named('ledger', 5433)
const INTRUDER_PAYMENTS = { address: WEB, port: 9101 }
const INTRUDER_LEDGER = { address: WEB, port: 9102 }

for (const version of TEST_ENVOYS) describe(`requests through Envoy ${version}`, () => testTraffic(version))

function testTraffic(version: string): void {
  let lab: EnvoyLab
  let one: Application
  let two: Application
  let ledger: Application
  let missing: string | undefined

  before(async () => {
    const skip = (reason?: string) => {
      missing = reason
    }
    const binary = await envoyOrSkip({ skip }, version)
    if (binary === undefined) return
    lab = await EnvoyLab.start()
    for (const host of ['web-1', 'pay-1', 'pay-2']) await lab.startEnvoy(host, binary)
    ledger = await startGreeter({ address: PAY_1, port: 5433 }, GREETING)
    await use()
  })

  after(async () => {
    await lab?.stop()
    await ledger?.stop()
  })

  /** A test with both instances of payments up, and no document in effect when it starts. */
  const test = (name: string, run: () => Promise<void>) =>
    it(name, async (t) => {
      if (missing !== undefined) return t.skip(missing)
      one = await startHttp({ address: PAY_1, port: 8080 }, 'one')
      two = await startHttp({ address: PAY_2, port: 8080 }, 'two')
      try {
        await use()
        await run()
      } finally {
        await one.stop()
        await two.stop()
      }
    })

  /** Puts documents into effect on all Envoys. */
  async function use(documents = ''): Promise<void> {
    const mesh = meshFrom(HOSTS, documents, version)
    const errors = mesh.problems.filter(({ severity }) => severity === 'error')
    assert.deepEqual(errors, [])
    await lab.serve(mesh)
  }

  const seen = () => [...one.seen, ...two.seen]

  const statusOf = async (...parameters: Parameters<typeof ask>) => (await ask(...parameters)).status

  test('a call by name carries the proven identity of its caller, whatever the caller forges', async () => {
    const forged = {
      host: 'PAYMENTS.mesh:8080',
      'x-mesh-client': 'spiffe://golden.example/svc/admin',
      'x-mesh-undelivered': '1',
      'x-forwarded-client-cert': 'URI=spiffe://golden.example/svc/admin',
      'x-request-id': 'mine',
    }
    assert.equal(await statusOf(PAYMENTS, '/a//b/../c?x=1', { headers: forged }), 200)
    const [request] = seen()
    assert.equal(request?.path, '/a/c?x=1')
    assert.equal(request.headers.host, 'PAYMENTS.mesh')
    assert.equal(request.headers['x-mesh-client'], 'spiffe://golden.example/svc/web')
    assert.equal(request.headers['x-mesh-undelivered'], undefined)
    assert.match(
      String(request.headers['x-forwarded-client-cert']),
      /^By=[^,]*;URI=spiffe:\/\/golden.example\/svc\/web$/,
    )
    assert.equal(request.headers['x-request-id'], 'mine')
    assert.equal(request.headers['x-forwarded-proto'], 'http')
  })

  test('a declared upstream carries the identity of the service that declared it', async () => {
    assert.equal(await statusOf(INTRUDER_PAYMENTS), 200)
    assert.equal(seen()[0]?.headers['x-mesh-client'], 'spiffe://golden.example/svc/intruder')
  })

  test('callers of the old HTTP/1.0 are served, with and without a Host', async () => {
    assert.match(await askRaw(PAYMENTS, 'GET /old HTTP/1.0\r\nHost: payments.mesh\r\n\r\n'), /^HTTP\/1\.[01] 200 /)
    assert.match(await askRaw(PAYMENTS, 'GET /older HTTP/1.0\r\n\r\n'), /^HTTP\/1\.[01] 200 /)
    const hosts = seen().map(({ headers }) => headers.host)
    assert.deepEqual(hosts.sort(), ['payments', 'payments.mesh'])
  })

  test('a caller cannot set timeouts and retries by headers of Envoy', async () => {
    await one.stop()
    await two.stop()
    const answer = (_: unknown, response: ServerResponse) => void setTimeout(() => response.writeHead(500).end(), 50)
    one = await startHttp({ address: PAY_1, port: 8080 }, 'one', answer)
    two = await startHttp({ address: PAY_2, port: 8080 }, 'two', answer)
    const headers = {
      'x-envoy-upstream-rq-timeout-ms': '1',
      'x-envoy-max-retries': '5',
      'x-envoy-retry-on': '5xx',
      'x-envoy-retriable-status-codes': '500',
    }
    assert.equal(await statusOf(PAYMENTS, '/', { headers }), 500)
    assert.equal(seen().length, 1)
  })

  test('a request whose application is dead on one host is answered by another, whatever its method', async () => {
    await one.stop()
    for (let count = 0; count < 20; count++) {
      const { status, headers } = await ask(PAYMENTS, '/', { method: 'POST' })
      assert.equal(status, 200)
      assert.equal(headers['x-mesh-undelivered'], undefined)
    }
    assert.equal(two.seen.length, 20)
  })

  test('a request that reaches a host whose service has left is answered by another, whatever its method', async () => {
    await lab.takeAway('pay-1', CLUSTER)
    // By an upstream: its cluster is its own, and has put no host aside yet.
    for (let count = 0; count < 20; count++) {
      assert.equal(await statusOf(INTRUDER_PAYMENTS, '/', { method: 'POST' }), 200)
    }
    assert.equal(two.seen.length, 20)
    assert.ok((await lab.stat('pay-1', 'http.inbound.no_cluster')) > 0, 'some reached it')
  })

  test('when no application is alive the caller gets 503 and learns nothing of how it is told', async () => {
    await one.stop()
    await two.stop()
    const { status, headers } = await ask(PAYMENTS)
    assert.equal(status, 503)
    assert.equal(headers['x-mesh-undelivered'], undefined)
  })

  test('an application cannot make callers try again by forging that it was not reached', async () => {
    await one.stop()
    await two.stop()
    const forge = (_: unknown, response: ServerResponse) => response.writeHead(503, { 'x-mesh-undelivered': '1' }).end()
    one = await startHttp({ address: PAY_1, port: 8080 }, 'one', forge)
    two = await startHttp({ address: PAY_2, port: 8080 }, 'two', forge)
    const { status, headers } = await ask(PAYMENTS)
    assert.equal(status, 503)
    assert.equal(headers['x-mesh-undelivered'], undefined)
    assert.equal(seen().length, 1)
  })

  test('without rules everybody of the mesh may call', async () => {
    assert.equal(await statusOf(PAYMENTS, '/', { method: 'DELETE' }), 200)
    assert.equal(await statusOf(INTRUDER_PAYMENTS, '/a%2fb'), 200)
  })

  test('a rule that denies a caller refuses it and drains no connection', async () => {
    assert.equal(await statusOf(PAYMENTS), 200)
    assert.equal(await statusOf(INTRUDER_PAYMENTS), 200)
    const before = await Promise.all(['pay-1', 'pay-2'].map((host) => lab.stat(host, MODIFIED)))
    await use('{ kind: authorization, service: payments, deny: [{ from: { services: [intruder] } }] }')
    assert.equal(await statusOf(INTRUDER_PAYMENTS), 403)
    assert.equal(await statusOf(PAYMENTS), 200)
    assert.deepEqual(await Promise.all(['pay-1', 'pay-2'].map((host) => lab.stat(host, MODIFIED))), before)
  })

  test('an allow list lets through what it names and nothing else', async () => {
    await use(`
kind: authorization
service: payments
allow:
  - from: { services: ["we*"] }
    to: { methods: [GET, PUT], paths: [/charge, { prefix: /v2/ }] }
`)
    assert.equal(await statusOf(PAYMENTS, '/charge?x=1'), 200)
    assert.equal(await statusOf(PAYMENTS, '/v2/anything', { method: 'PUT' }), 200)
    assert.equal(await statusOf(PAYMENTS, '/charge', { method: 'POST' }), 403)
    assert.equal(await statusOf(PAYMENTS, '/charges'), 403)
    assert.equal(await statusOf(INTRUDER_PAYMENTS, '/charge'), 403)
  })

  test('an empty allow list and a mesh that denies by default refuse everybody', async () => {
    for (const documents of [
      '{ kind: authorization, service: payments, allow: [] }',
      '{ kind: mesh, authorization: deny }',
    ]) {
      await use(documents)
      assert.equal(await statusOf(PAYMENTS), 403)
    }
  })

  test('a path that is denied is denied in every spelling', async () => {
    await use('{ kind: authorization, service: payments, deny: [{ to: { paths: [{ prefix: /admin }] } }] }')
    for (const path of SPELLINGS_OF_ADMIN) {
      const status = await statusOf(PAYMENTS, path)
      assert.ok(status === 403 || status === 400, `${path}: ${status}`)
    }
    assert.equal(seen().length, 0)
    assert.equal(await statusOf(PAYMENTS, '/other'), 200)
  })

  test('a tcp caller who is denied gets not a byte of what the service says first', async () => {
    assert.equal(await readGreeting(LEDGER, GREETING.length), GREETING)
    assert.equal(await readGreeting(INTRUDER_LEDGER, GREETING.length), GREETING)
    const before = await lab.stat('pay-1', MODIFIED)
    await use('{ kind: authorization, service: ledger, deny: [{ from: { services: ["intr*"] } }] }')
    assert.equal(await readGreeting(INTRUDER_LEDGER, GREETING.length), '')
    assert.equal(await readGreeting(LEDGER, GREETING.length), GREETING)
    await use('{ kind: authorization, service: ledger, allow: [{ from: { services: [intruder] } }] }')
    assert.equal(await readGreeting(INTRUDER_LEDGER, GREETING.length), GREETING)
    assert.equal(await readGreeting(LEDGER, GREETING.length), '')
    await use('{ kind: authorization, service: ledger, allow: [] }')
    assert.equal(await readGreeting(INTRUDER_LEDGER, GREETING.length), '')
    assert.equal(await lab.stat('pay-1', MODIFIED), before)
  })

  test('a change of one service leaves the connections of the others on its host alone', async () => {
    const socket = connect(LEDGER.port, LEDGER.address).setEncoding('utf8')
    try {
      assert.equal(String((await once(socket, 'data'))[0]), GREETING)
      const before = await lab.stat('pay-1', MODIFIED)
      // Between applications of requests and of bytes the filter chain of payments is another one.
      await use('{ kind: service, service: payments, protocol: tcp }')
      assert.notEqual(await lab.stat('pay-1', MODIFIED), before)
      socket.write('still there')
      assert.equal(String((await once(socket, 'data'))[0]), 'still there')
    } finally {
      socket.destroy()
    }
  })

  test('routes choose by the request, rewrite whole segments, and answer by themselves', async () => {
    await use(`${SUBSETS}
---
kind: route
service: payments
rules:
  - match: { headers: { x-version: { regex: "v?2" } } }
    to: { subset: v2 }
  - match: { path: { prefix: /api }, method: [GET, PUT] }
    to: { subset: v1 }
    rewrite: { prefix: / }
  - match: { path: { prefix: /old/ } }
    to: { subset: v1 }
    rewrite: { prefix: /new }
  - match: { path: { exact: /closed } }
    respond: { status: 418, body: "100% closed" }
  - match: { path: { exact: /nobody } }
    to: { subset: v1 }
`)
    for (let count = 0; count < 5; count++) {
      assert.equal((await ask(PAYMENTS, '/', { headers: { 'x-version': '2' } })).text, 'two')
    }
    two.seen.length = 0
    for (const [path, want] of [
      ['/api', '/'],
      ['/api/', '/'],
      ['/api/a?x=/api', '/a?x=/api'],
      ['/old/a', '/new/a'],
    ] as const) {
      assert.equal((await ask(PAYMENTS, path)).text, 'one')
      assert.equal(one.seen.at(-1)?.path, want)
    }
    const closed = await ask(PAYMENTS, '/closed')
    assert.equal(`${closed.status} ${closed.text}`, '418 100% closed')
  })

  test('a split sends to every destination, and one of weight zero gets nothing', async () => {
    await use(`${SUBSETS}
---
{ kind: route, service: payments, rules: [{ split: [{ subset: v1, weight: 99.5 }, { subset: v2, weight: 0 }] }] }
`)
    for (let count = 0; count < 10; count++) assert.equal((await ask(PAYMENTS)).text, 'one')
    await use(`${SUBSETS}
---
{ kind: route, service: payments, rules: [{ split: [{ subset: v1 }, { subset: v2 }] }] }
`)
    const texts = new Set<string>()
    while (texts.size < 2) texts.add((await ask(PAYMENTS)).text)
  })

  test('a status is tried again for the methods that are named, and a timeout ends the request', async () => {
    await use(`
kind: route
service: payments
rules:
  - match: { path: { exact: /slow } }
    timeout: 100ms
  - retry: { retries: 1, on: ["503"], methods: [GET] }
`)
    await one.stop()
    await two.stop()
    const busy = ({ path }: SeenRequest, response: ServerResponse) => {
      if (path !== '/slow') response.writeHead(503).end()
    }
    one = await startHttp({ address: PAY_1, port: 8080 }, 'one', busy)
    two = await startHttp({ address: PAY_2, port: 8080 }, 'two', busy)
    assert.equal(await statusOf(PAYMENTS, '/'), 503)
    assert.equal(seen().length, 2)
    assert.equal(await statusOf(PAYMENTS, '/', { method: 'POST' }), 503)
    assert.equal(seen().length, 3)
    assert.equal(await statusOf(PAYMENTS, '/slow'), 504)
  })

  test('names resolve in both families, and others do not exist', async () => {
    const resolver = new Resolver({ timeout: 1000, tries: 3 })
    resolver.setServers([`${WEB}:15053`])
    assert.deepEqual(await resolver.resolve4('payments.mesh'), [PAYMENTS.address])
    const [mapped] = await resolver.resolve6('payments.mesh')
    assert.equal(mapped, `::ffff:${PAYMENTS.address}`)
    await assert.rejects(resolver.resolve4('nothing.mesh'), { code: 'ENOTFOUND' })
    await assert.rejects(resolver.resolve4('example.org'), { code: 'ENOTFOUND' })
  })

  test('only identities of the mesh get in, for the service that they name', async () => {
    const at = { address: PAY_1, port: 15006 }
    const pair = (kind: 'host' | 'service' | 'control-plane', name: string) =>
      lab.pair({ kind, trustDomain: TRUST_DOMAIN, name })
    const web = pair('service', 'web')
    const foreign = await EnvoyLab.start()
    try {
      const stranger = foreign.pair({ kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' })
      for (const [who, options, want] of [
        ['a service', { pair: web, name: 'main.payments.mesh' }, 'answered'],
        ['a host', { pair: pair('host', 'web-1'), name: 'main.payments.mesh' }, 'answered'],
        ['a service at a tcp port', { pair: web, name: 'main.ledger.mesh' }, 'answered'],
        ['nobody', { name: 'main.payments.mesh' }, 'refused'],
        ['nobody at a tcp port', { name: 'main.ledger.mesh' }, 'refused'],
        ['a control plane', { pair: pair('control-plane', 'cp'), name: 'main.payments.mesh' }, 'refused'],
        ['a control plane at a tcp port', { pair: pair('control-plane', 'cp'), name: 'main.ledger.mesh' }, 'refused'],
        ['a certificate of another CA', { pair: stranger, name: 'main.payments.mesh' }, 'refused'],
        ['a certificate of another CA at a tcp port', { pair: stranger, name: 'main.ledger.mesh' }, 'refused'],
        ['a service that asks for another name', { pair: web, name: 'main.other.mesh' }, 'refused'],
        ['a service with old TLS', { pair: web, name: 'main.payments.mesh', maxVersion: 'TLSv1.2' }, 'refused'],
      ] as const) {
        assert.equal(await knock(at, options), want, who)
      }
      assert.equal(await knock(at, 'plain text'), 'refused')
    } finally {
      await foreign.stop()
    }
  })

  test('a host that is gone costs no request: its callers connect to another', async () => {
    // A cluster that is changed begins anew: none of its hosts is ejected for what it did in tests before.
    await use('{ kind: service, service: payments, timeouts: { connect: 2s } }')
    await lab.stopEnvoy('pay-2')
    for (let count = 0; count < 20; count++) assert.equal(await statusOf(PAYMENTS, '/', { method: 'POST' }), 200)
    assert.equal(one.seen.length, 20)
  })
}

/** Where a service is found by its name on the host of web. */
function named(service: string, port: number): SocketAddress {
  const [view] = [...meshFrom(HOSTS).mesh.nameViews.values()]
  const address = view?.addresses.find((entry) => entry.service === service)?.address
  return { address: address ?? '', port }
}
