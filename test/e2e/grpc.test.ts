import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import { type CallOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { type Target, targetOn } from './client.js'
import { CALLS, DETAILS_KEY, type GrpcApplication, startGrpc, UNLIMITED } from './grpc-application.js'
import { type LabHost, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

const PORT = 9500

const CALLEE: LabHost = { ...PAY_1, services: [{ service: 'calls', port: PORT, protocol: 'grpc' }] }
const CALLER: LabHost = { ...WEB, services: [{ service: 'web', port: 8080, check: 'none' }] }

const ROUTES = `kind: service
service: calls
timeouts: { request: 1s }
---
kind: route
service: calls
rules:
  - match: { path: { exact: /lab.Calls/Chat } }
    timeout: off
  - match: { path: { exact: /lab.Calls/Hang }, headers: { x-unlimited: present } }
    timeout: off
  - {}
`

let lab: MeshLab
let application: GrpcApplication
let target: Target
let client: Client

before(async () => {
  application = await startGrpc(CALLEE.address, PORT)
  lab = await MeshLab.start({ hosts: [CALLER, CALLEE], documents: { 'calls.yaml': ROUTES } })
  target = await targetOn(CALLER, 'calls', PORT)
  client = new Client(`${target.address}:${PORT}`, credentials.createInsecure(), {
    'grpc.default_authority': 'calls.mesh',
    ...UNLIMITED,
  })
})

after(async () => {
  client?.close()
  await lab?.end()
  application?.end()
})

/** One unary call with its initial and its trailing metadata. @throws ServiceError */
function call(method: 'Echo' | 'Fail' | 'Hang', message: Buffer, metadata = new Metadata(), options: CallOptions = {}) {
  const { path, requestSerialize, responseDeserialize } = CALLS[method]
  return new Promise<{ message: Buffer; initial: Metadata; trailers: Metadata }>((resolve, reject) => {
    let initial = new Metadata()
    let trailers = new Metadata()
    let answer: Buffer | undefined
    const one = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      metadata,
      options,
      (error: ServiceError | null, value?: Buffer) => {
        if (error !== null) reject(error)
        answer = value
      },
    )
    one.on('metadata', (value) => {
      initial = value
    })
    one.on('status', (value) => {
      trailers = value.metadata
      if (answer !== undefined) resolve({ message: answer, initial, trailers })
    })
  })
}

/** Sends the head of a call as it is, so that the only deadline is what Envoy makes of it. */
async function hang(session: ClientHttp2Session, headers: Readonly<Record<string, string>>) {
  const started = performance.now()
  const stream = session.request({
    ':method': 'POST',
    ':path': '/lab.Calls/Hang',
    ':authority': 'calls.mesh',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => undefined) // a stream that the test gives up
  stream.end(Buffer.alloc(5))
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  stream.close()
  return { answer, ms: performance.now() - started }
}

test('a unary call carries metadata both ways, trailers, and who calls', async () => {
  const metadata = new Metadata()
  metadata.set('x-request', 'mine')
  const { message, initial, trailers } = await call('Echo', Buffer.from('hello'), metadata)
  assert.equal(message.toString(), 'hello')
  assert.deepEqual(initial.get('x-client'), ['spiffe://lab.example/svc/web'])
  assert.deepEqual(trailers.get('x-trailer'), ['mine'])
})

test('a message of 8 MiB goes through both ways unchanged', async () => {
  const large = Buffer.alloc(8 * 1024 * 1024, 'abcdefghijk')
  const { message } = await call('Echo', large)
  assert.ok(message.equals(large))
})

test('an error arrives with its code, its text and its binary details', async () => {
  const details = Buffer.from([8, 9, 18, 0, 255])
  await assert.rejects(call('Fail', details), (error: ServiceError) => {
    assert.equal(error.code, status.FAILED_PRECONDITION)
    assert.equal(error.details, 'no money: 100 %')
    assert.deepEqual(error.metadata.get(DETAILS_KEY), [details])
    return true
  })
})

test('a call that is answered with unavailable is tried again', async () => {
  application.called.set('Fail', 0)
  const { message } = await call('Fail', Buffer.from('once unavailable'))
  assert.equal(message.toString(), '2')
})

test('a client stream arrives whole and in order', async () => {
  const { path, requestSerialize, responseDeserialize } = CALLS.Collect
  const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
    const stream = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error, value) =>
      error === null ? resolve(value) : reject(error),
    )
    for (let part = 0; part < 1000; part++) stream.write(Buffer.from(`${part};`))
    stream.end()
  })
  assert.equal(answer?.toString(), Array.from({ length: 1000 }, (_, part) => `${part};`).join(''))
})

test('a server stream arrives whole and in order', async () => {
  const { path, requestSerialize, responseDeserialize } = CALLS.Count
  const numbers: string[] = []
  for await (const part of client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.from('1000'),
  ))
    numbers.push(String(part))
  assert.deepEqual(
    numbers,
    Array.from({ length: 1000 }, (_, index) => String(index + 1)),
  )
})

test('a stream both ways answers each message before the next is sent, and outlives the timeout of others', async () => {
  const { path, requestSerialize, responseDeserialize } = CALLS.Chat
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const started = performance.now()
  for (let count = 0; count < 5 || performance.now() - started < 1500; count++) {
    const answered = once(stream, 'data')
    stream.write(Buffer.from(`message ${count}`))
    assert.equal(String((await answered)[0]), `re: message ${count}`)
  }
  const ended = once(stream, 'status')
  stream.end()
  assert.equal((await ended)[0].code, status.OK)
})

test('a call ends with status 4 at its own deadline, is not tried again, and its application hears of it', async () => {
  application.called.set('Hang', 0)
  application.cancelled.count = 0
  const session = connectHttp2(`http://${target.address}:${PORT}`)
  try {
    const { answer, ms } = await hang(session, { 'grpc-timeout': '400m', 'x-unlimited': '1' })
    assert.equal(answer['grpc-status'], String(status.DEADLINE_EXCEEDED))
    assert.ok(ms >= 390, `ended after ${ms} ms`)
    await until('the application to hear that the call is cancelled', () => application.cancelled.count === 1)
    assert.equal(application.called.get('Hang'), 1)
  } finally {
    session.destroy()
  }
})

test('the timeout of a route bounds calls with a later deadline, and calls without any', async () => {
  const session = connectHttp2(`http://${target.address}:${PORT}`)
  try {
    for (const headers of [{ 'grpc-timeout': '30S' }, {}]) {
      const { answer, ms } = await hang(session, headers)
      assert.equal(answer['grpc-status'], String(status.DEADLINE_EXCEEDED))
      assert.ok(ms >= 990 && ms < 15_000, `ended after ${ms} ms`)
    }
  } finally {
    session.destroy()
  }
})

test("a client's own deadline is told as such", async () => {
  const options = { deadline: Date.now() + 500 }
  await assert.rejects(call('Hang', Buffer.from(''), new Metadata(), options), { code: status.DEADLINE_EXCEEDED })
})
