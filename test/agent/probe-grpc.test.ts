import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { DEFAULT_CHECK } from '../../agent/checks/check.js'
import { createProbe } from '../../agent/checks/probe.js'
import { serviceDefinition } from '../../common/grpc/definition.js'
import {
  Health,
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../common/proto/grpc/health/v1/health_pb.js'
import { until } from '../e2e/until.js'

type Answer = Parameters<handleUnaryCall<HealthCheckRequest, HealthCheckResponse>>[1]

/** Asks the application on a port of loopback. */
function ask(t: TestContext, port: number, service = '', timeout = 20_000) {
  const check = { ...DEFAULT_CHECK, what: { kind: 'grpc', service } as const, timeout }
  return createProbe({ address: '127.0.0.1', port }, check)(t.signal)
}

/** A gRPC application; undefined: without the health service. */
async function startGrpc(t: TestContext, answer?: (service: string, callback: Answer) => void): Promise<number> {
  const server = new Server()
  if (answer !== undefined) {
    const Check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse> = (call, callback) =>
      answer(call.request.service, callback)
    server.addService(serviceDefinition(Health), { Check })
  }
  t.after(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port)
      else reject(error)
    })
  })
}

const say =
  (status: Status) =>
  (_: string, callback: Answer): void =>
    callback(null, create(HealthCheckResponseSchema, { status }))

for (const [answer, passed] of [
  ['SERVING', true],
  ['NOT_SERVING', false],
  ['UNKNOWN', false],
  ['SERVICE_UNKNOWN', false],
] as const) {
  test(`an application that answers ${answer} ${passed ? 'passes' : 'fails'}`, async (t) => {
    const port = await startGrpc(t, say(Status[answer]))
    assert.deepEqual(await ask(t, port), { passed, detail: `grpc health: ${answer}` })
  })
}

test('a status that the standard does not know fails', async (t) => {
  const port = await startGrpc(t, say(9 as Status))
  assert.deepEqual(await ask(t, port), { passed: false, detail: 'grpc health: a status that gRPC does not know' })
})

test('the gRPC service is asked for by its name', async (t) => {
  const port = await startGrpc(t, (service, callback) =>
    service === 'shop.Cart'
      ? say(Status.SERVING)(service, callback)
      : callback({ code: status.NOT_FOUND, details: '' }),
  )
  assert.deepEqual(await ask(t, port, 'shop.Cart'), { passed: true, detail: 'grpc health of shop.Cart: SERVING' })
  assert.deepEqual(await ask(t, port, 'shop.Pay'), {
    passed: false,
    detail: 'grpc health of shop.Pay: NOT_FOUND: the application knows no such service',
  })
})

test('an application without the health service is told from one that is ill', async (t) => {
  assert.deepEqual(await ask(t, await startGrpc(t)), {
    passed: false,
    detail: 'grpc health: UNIMPLEMENTED: the application has no grpc.health.v1.Health',
  })
})

test('an error of the application is told in its words', async (t) => {
  const port = await startGrpc(t, (_, callback) => callback({ code: status.INTERNAL, details: 'no database' }))
  assert.deepEqual(await ask(t, port), { passed: false, detail: 'grpc health: INTERNAL: no database' })
})

test('an application that never answers fails in time', async (t) => {
  const port = await startGrpc(t, () => {})
  assert.deepEqual(await ask(t, port, '', 500), {
    passed: false,
    detail: `no answer within 0.5 s on 127.0.0.1:${port}`,
  })
})

test('nobody on the port is a refused connection', async (t) => {
  const { port, close } = await listen(() => {})
  await close()
  assert.deepEqual(await ask(t, port), { passed: false, detail: `connection refused on 127.0.0.1:${port}` })
})

test('an application that does not speak gRPC fails, and one that never speaks in time', async (t) => {
  const web = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  t.after(web.close)
  assert.equal((await ask(t, web.port)).passed, false)
  const mute = await listen(() => {})
  t.after(mute.close)
  assert.equal((await ask(t, mute.port, '', 500)).detail, `no answer within 0.5 s on 127.0.0.1:${mute.port}`)
})

test('a probe leaves no connection open', async (t) => {
  const port = await startGrpc(t, say(Status.SERVING))
  const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  const before = open()
  for (let times = 0; times < 20; times++) await ask(t, port)
  await until('all connections to be closed', () => open() <= before)
})

async function listen(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port: address.port, close }
}
