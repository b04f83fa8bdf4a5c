import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createServer as createHttp2,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { type Application, startHttp, startTcp } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { placeFile } from './files.js'
import { CALLS, type GrpcApplication, startGrpc } from './grpc-application.js'
import { type LabHost, PAY_1, STRANGER, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

const [PAGES, STREAMS, CALLS_PORT, LOG] = [9700, 9701, 9702, 9703]

const GREETING = 'log ready\n'

const CALLER: LabHost = {
  ...WEB,
  services: [
    {
      service: 'web',
      port: 8080,
      check: 'none',
      more: `upstreams: [{ service: orders, port: log, bind: "${WEB.address}:9799" }]`,
    },
  ],
}

const CALLEE: LabHost = {
  ...PAY_1,
  services: [
    {
      service: 'orders',
      port: PAGES,
      ports: `
  pages: ${PAGES}
  streams: { port: ${STREAMS}, protocol: http2 }
  calls: { port: ${CALLS_PORT}, protocol: grpc }
  log: { port: ${LOG}, protocol: tcp }`,
    },
  ],
}

const INTRUDER: LabHost = { ...STRANGER, services: [{ service: 'stranger', port: 8080, check: 'none' }] }

let lab: MeshLab
let calls: GrpcApplication
let streams: Http2Server
const applications: Application[] = []

before(async () => {
  applications.push(
    await startHttp(CALLEE.address, PAGES, ({ httpVersion }, response) => response.end(`pages ${httpVersion}`)),
    await startTcp(CALLEE.address, LOG, (socket) => socket.write(GREETING)),
  )
  streams = createHttp2(({ httpVersion }, response) => response.end(`streams ${httpVersion}`))
  streams.listen(STREAMS, CALLEE.address)
  await once(streams, 'listening')
  calls = await startGrpc(CALLEE.address, CALLS_PORT)
  lab = await MeshLab.start({ hosts: [CALLER, CALLEE, INTRUDER] })
})

after(async () => {
  closeConnections()
  await lab?.end()
  calls?.end()
  streams?.close()
  for (const application of applications) await application.end()
})

const at = (port: number, host: LabHost = CALLER) => targetOn(host, 'orders', port)

/** One GET in HTTP/2 that is not asked for first. */
async function getHttp2({ address, port, host }: Target): Promise<string> {
  const session: ClientHttp2Session = connectHttp2(`http://${address}:${port}`)
  try {
    const stream = session.request({ ':path': '/', ':authority': host ?? address })
    let text = ''
    for await (const part of stream.setEncoding('utf8')) text += part
    return text
  } finally {
    session.destroy()
  }
}

/** What comes on a connection until the other side ends it or the greeting is whole. */
async function read({ address, port }: Target, first = '', enough = Number.POSITIVE_INFINITY): Promise<string> {
  const socket = connect(port, address).setEncoding('utf8')
  socket.setTimeout(10_000, () => socket.destroy(new Error('nothing came within 10 s')))
  if (first !== '') socket.write(first)
  let text = ''
  try {
    for await (const part of socket) {
      text += part
      if (text.length >= enough) break
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
  return text
}

async function echo({ address, port }: Target): Promise<string> {
  const client = new Client(`${address}:${port}`, credentials.createInsecure())
  const { path, requestSerialize, responseDeserialize } = CALLS.Echo
  try {
    return await new Promise((resolve, reject) => {
      const message = Buffer.from('echo')
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error, answer) =>
        error === null ? resolve(String(answer)) : reject(error),
      )
    })
  } finally {
    client.close()
  }
}

test('each port of a service is found by its number, in its own protocol', async () => {
  assert.equal((await get(await at(PAGES))).text, 'pages 1.1')
  assert.equal((await get(await at(STREAMS))).text, 'streams 2.0')
  assert.equal(await echo(await at(CALLS_PORT)), 'echo')
  assert.equal(await read(await at(LOG), '', GREETING.length), GREETING)
})

test('a declared upstream leads to the port that it names', async () => {
  assert.equal(await read({ address: WEB.address, port: 9799 }, '', GREETING.length), GREETING)
})

for (const [port, answer] of [
  [PAGES, 'pages 1.1'],
  [STREAMS, 'streams 2.0'],
] as const) {
  test(`callers of HTTP/1.0, HTTP/1.1 and HTTP/2 get "${answer}"`, async () => {
    const target = await at(port)
    assert.match(await read(target, 'GET / HTTP/1.0\r\n\r\n'), new RegExp(`^HTTP/1\\.[01] 200[^]*\r\n\r\n${answer}$`))
    assert.equal((await get(target)).text, answer)
    assert.equal(await getHttp2(target), answer)
  })
}

test('a request whose stream the application resets is a 503, and not tried again: the application has seen it', async () => {
  let seen = 0
  const reset = (stream: ServerHttp2Stream) => {
    seen++
    stream.destroy()
  }
  const target = await at(STREAMS)
  streams.prependListener('stream', reset)
  try {
    assert.equal((await get(target)).status, 503)
  } finally {
    streams.off('stream', reset)
  }
  assert.equal(seen, 1)
  assert.equal((await get(target)).text, 'streams 2.0')
})

test('a route for one port leaves the others alone', async () => {
  const route = '{ kind: route, service: orders, port: pages, rules: [{ respond: { status: 418 } }] }\n'
  await placeFile(lab.files.document('route.yaml'), route)
  await until('the route to be in effect', async () => (await get(await at(PAGES))).status === 418)
  assert.equal((await get(await at(STREAMS))).text, 'streams 2.0')
  assert.equal(await echo(await at(CALLS_PORT)), 'echo')
})

test('who may not call a service may call none of its ports', async () => {
  assert.equal(await echo(await at(CALLS_PORT, INTRUDER)), 'echo')
  const rule = '{ kind: authorization, service: orders, allow: [{ from: { services: [web] } }] }\n'
  await placeFile(lab.files.document('rule.yaml'), rule)
  await until('the rule to be in effect', async () => (await get(await at(STREAMS, INTRUDER))).status === 403)
  await assert.rejects(
    echo(await at(CALLS_PORT, INTRUDER)),
    ({ code }: ServiceError) => code === status.PERMISSION_DENIED,
  )
  await until('the tcp port to be closed to it', async () => (await read(await at(LOG, INTRUDER), '', 1)) === '')
  assert.equal((await get(await at(STREAMS))).text, 'streams 2.0')
  assert.equal(await echo(await at(CALLS_PORT)), 'echo')
  assert.equal(await read(await at(LOG), '', GREETING.length), GREETING)
})
