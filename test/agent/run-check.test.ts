import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Check, DEFAULT_CHECK } from '../../agent/checks/check.js'
import { createProbe } from '../../agent/checks/probe.js'
import { runCheck, type ServiceHealth } from '../../agent/checks/run-check.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'

const QUICK: Check = { ...DEFAULT_CHECK, interval: 100, timeout: 1000 }
const HTTP: Check = { ...QUICK, what: { kind: 'http', path: '/healthz', speaks: 'http1' } }

test('an application that dies is critical, and passing when it returns', async (t) => {
  const first = await listen(createServer())
  const { target } = first
  const health = startCheck(t, target, QUICK)
  await becomes(health, 'passing')
  await first.close()
  const critical = await becomes(health, 'critical')
  assert.equal(critical.detail, `connection refused on 127.0.0.1:${target.port}`)
  const second = await listen(createServer(), target.port)
  t.after(second.close)
  assert.equal((await becomes(health, 'passing')).detail, `port ${target.port} takes connections`)
})

test('an application that answers with errors is critical until it answers well again', async (t) => {
  let status = 200
  const server = await listenHttp((_, response) => response.writeHead(status).end())
  t.after(server.close)
  const health = startCheck(t, server.target, HTTP)
  assert.equal((await becomes(health, 'passing')).detail, 'GET /healthz: 200')
  status = 503
  assert.equal((await becomes(health, 'critical')).detail, 'GET /healthz: 503')
  status = 204
  assert.equal((await becomes(health, 'passing')).detail, 'GET /healthz: 204')
})

test('an application that speaks HTTP/2 without TLS is asked in HTTP/2', async (t) => {
  const server = await listen(createHttp2Server((_, response) => response.writeHead(status).end()))
  t.after(server.close)
  const check: Check = { ...QUICK, what: { kind: 'http', path: '/healthz', speaks: 'http2' } }
  let status = 204
  assert.deepEqual(await createProbe(server.target, check)(t.signal), { passed: true, detail: 'GET /healthz: 204' })
  status = 500
  assert.deepEqual(await createProbe(server.target, check)(t.signal), { passed: false, detail: 'GET /healthz: 500' })
  await server.close()
  const { passed, detail } = await createProbe(server.target, check)(t.signal)
  assert.deepEqual([passed, detail], [false, `GET /healthz: connection refused on 127.0.0.1:${server.target.port}`])
})

test('one failed probe takes nothing out and wakes nobody', async (t) => {
  const answered = new Latest(0)
  const server = await listenHttp((_, response) => {
    response.writeHead(answered.value === 1 ? 500 : 200).end()
    answered.set(answered.value + 1)
  })
  t.after(server.close)
  const health = startCheck(t, server.target, HTTP)
  await waitFor(answered, (count) => count === 5, t.signal)
  assert.deepEqual([health.revision, health.value], [1, { health: 'passing', detail: 'GET /healthz: 200' }])
})

for (const [status, passed] of [
  [200, true],
  [302, true],
  [399, true],
  [400, false],
  [404, false],
  [500, false],
] as const) {
  test(`an answer of ${status} ${passed ? 'passes' : 'fails'}`, async (t) => {
    const server = await listenHttp((_, response) =>
      response.writeHead(status, { location: 'http://192.0.2.1/' }).end(),
    )
    t.after(server.close)
    assert.deepEqual(await createProbe(server.target, HTTP)(t.signal), { passed, detail: `GET /healthz: ${status}` })
  })
}

test('an application that takes the connection and never answers fails in time', async (t) => {
  const server = await listen(createServer())
  t.after(server.close)
  const result = await createProbe(server.target, { ...HTTP, timeout: 100 })(t.signal)
  assert.equal(result.detail, `GET /healthz: no answer within 0.1 s on 127.0.0.1:${server.target.port}`)
})

test('a probe leaves no socket open, even to an application that sends for ever', async (t) => {
  const closed = new Latest(0)
  const server = await listenHttp((request, response) => {
    request.socket.once('close', () => closed.set(closed.value + 1))
    response.writeHead(200)
    response.write('more to come')
  })
  t.after(server.close)
  assert.ok((await createProbe(server.target, { ...HTTP, timeout: 60_000 })(t.signal)).passed)
  await waitFor(closed, (count) => count === 1, AbortSignal.timeout(5000))
})

function startCheck(t: TestContext, target: SocketAddress, check: Check): Latest<ServiceHealth | undefined> {
  const health = new Latest<ServiceHealth | undefined>(undefined)
  const controller = new AbortController()
  const ended = runCheck({ service: 'web', target, check, health, log: silentLog })(controller.signal)
  t.after(async () => {
    controller.abort()
    await ended
  })
  return health
}

async function becomes(
  health: Latest<ServiceHealth | undefined>,
  want: ServiceHealth['health'],
): Promise<ServiceHealth> {
  const value = await waitFor(health, (now) => now?.health === want, AbortSignal.timeout(5000))
  assert.ok(value !== undefined)
  return value
}

interface Listening {
  readonly target: SocketAddress
  readonly close: () => Promise<void>
}

/** Listens on loopback; closing it cuts what is connected, as the end of a process does. */
async function listen(server: Server, port = 0): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.resume()
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { target: { address: '127.0.0.1', port: (server.address() as AddressInfo).port }, close }
}

async function listenHttp(listener: RequestListener): Promise<Listening> {
  const server = createHttpServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { target: { address: '127.0.0.1', port: (server.address() as AddressInfo).port }, close }
}
