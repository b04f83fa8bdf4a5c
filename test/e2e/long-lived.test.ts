import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js'
import type { ServiceView } from '../../common/admin-api.js'
import { type Application, startTcp } from './application.js'
import { closeConnections, get, resolverOf, type Target, targetOn } from './client.js'
import { sumOfStats } from './envoy-stats.js'
import { placeFile } from './files.js'
import { CALLS, type GrpcApplication, startGrpc } from './grpc-application.js'
import { type LabHost, PAY_1, PAY_2, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'
import { openWebSocket, startWebSocket, type WebSocketClient } from './websocket.js'

const [CHAT_PORT, CALLS_PORT, ECHO_PORT, EXTRA_PORT] = [9600, 9601, 9602, 9603]

const CALLEE: LabHost = {
  ...PAY_1,
  services: [
    { service: 'chat', port: CHAT_PORT },
    { service: 'calls', port: CALLS_PORT, protocol: 'grpc' },
    { service: 'echo', port: ECHO_PORT, protocol: 'tcp' },
  ],
}

const HOSTS: readonly LabHost[] = [
  { ...WEB, services: [{ service: 'web', port: 8080, check: 'none' }] },
  CALLEE,
  { ...PAY_2, services: [{ service: 'chat', port: CHAT_PORT }] },
]

const EXTRA = `service: extra
port: ${EXTRA_PORT}
protocol: tcp
check: { tcp: true, interval: 500ms }
`

let lab: MeshLab
let calls: GrpcApplication
let secondChat: Application
const applications: Application[] = []
let chat: Target
let echo: Target

let webSocket: WebSocketClient
let tcp: Socket
let client: Client
let stream: ClientDuplexStream<Buffer, Buffer>

before(async () => {
  applications.push(
    await startWebSocket(CALLEE.address, CHAT_PORT),
    await startTcp(CALLEE.address, ECHO_PORT, (socket) => socket.pipe(socket)),
    await startTcp(CALLEE.address, EXTRA_PORT, (socket) => socket.pipe(socket)),
  )
  secondChat = await startWebSocket(PAY_2.address, CHAT_PORT)
  calls = await startGrpc(CALLEE.address, CALLS_PORT)
  const policy = '{ kind: host-policy, hosts: [pay-1], services: [extra] }\n'
  lab = await MeshLab.start({ hosts: HOSTS, documents: { 'policy.yaml': policy } })
  await secondChat.end()
  await passing('chat', 1)
  chat = await targetOn(WEB, 'chat', CHAT_PORT)
  echo = await targetOn(WEB, 'echo', ECHO_PORT)
  client = new Client(
    `${(await targetOn(WEB, 'calls', CALLS_PORT)).address}:${CALLS_PORT}`,
    credentials.createInsecure(),
  )
})

after(async () => {
  closeConnections()
  client?.close()
  await lab?.end()
  calls?.end()
  for (const application of applications) await application.end()
})

beforeEach(async () => {
  webSocket = await openWebSocket(chat)
  tcp = connect(ECHO_PORT, echo.address).on('error', () => tcp.destroy())
  const { path, requestSerialize, responseDeserialize } = CALLS.Chat
  stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  stream.on('error', () => undefined) // the end of a test cuts it
  await allLive()
})

afterEach(() => {
  webSocket.close()
  tcp.destroy()
  stream.cancel()
})

const TEAPOT = `kind: route
service: chat
rules:
  - match: { path: { exact: /teapot } }
    respond: { status: 418 }
`

const RULES = `kind: authorization
service: chat
deny: [{ to: { paths: [/closed] } }]
---
kind: authorization
service: calls
allow: [{ from: { services: [web] } }]
---
kind: authorization
service: echo
allow: [{ from: { services: [web] } }]
`

/** Sends something on each of the three connections that were opened before the change and waits for its echo. */
async function allLive(): Promise<void> {
  assert.equal(await webSocket.say('socket'), 'socket')
  tcp.write('bytes')
  assert.equal(String(await next(tcp, 'the tcp connection')), 'bytes')
  stream.write(Buffer.from('message'))
  assert.equal(String(await next(stream, 'the gRPC stream')), 're: message')
}

async function next(from: EventEmitter, what: string): Promise<unknown> {
  try {
    return (await once(from, 'data', { signal: AbortSignal.timeout(10_000) }))[0]
  } catch (cause) {
    throw new Error(`nothing came on ${what}`, { cause })
  }
}

/** Waits until the Envoys of caller and callee have ended all that a change has them drain. */
async function drained(): Promise<void> {
  for (const host of [WEB, CALLEE]) {
    const pattern = '^listener_manager.total_(filter_chains|listeners)_draining$'
    await until(`the Envoy of ${host.name} to have drained`, async () => (await sumOfStats(lab, host, pattern)) === 0)
  }
}

/** How often the callee's Envoy has replaced its inbound listener. */
function replacements(): Promise<number> {
  return sumOfStats(lab, CALLEE, '^listener_manager.listener_(modified|in_place_updated)$')
}

async function passing(service: string, count: number): Promise<void> {
  await until(`${count} passing instances of ${service}`, async () => {
    const found = (await lab.ask<ServiceView[]>('/v1/services')).find((one) => one.service === service)
    return (found?.instances.filter(({ health }) => health === 'passing').length ?? 0) === count
  })
}

async function statusOf(path: string): Promise<number> {
  return (await get(chat, path)).status
}

test('open connections live through a change of routes', async () => {
  await placeFile(lab.files.document('chat.yaml'), TEAPOT)
  await until('the route to answer', async () => (await statusOf('/teapot')) === 418)
  await drained()
  await allLive()
})

test('open connections live while another instance comes and goes', async () => {
  secondChat = await startWebSocket(PAY_2.address, CHAT_PORT)
  await passing('chat', 2)
  await allLive()
  await secondChat.end()
  await passing('chat', 1)
  await drained()
  await allLive()
})

test('open connections live through a change of who may do what', async () => {
  await placeFile(lab.files.document('rules.yaml'), RULES)
  await until('the rule to be in effect', async () => (await statusOf('/closed')) === 403)
  await drained()
  await allLive()
  await rm(lab.files.document('rules.yaml'))
  await until('the rule to have gone', async () => (await statusOf('/closed')) === 200)
  await allLive()
})

test('open connections live while a service is added to their host and removed, whose own end with it', async () => {
  const before = await replacements()
  const file = lab.files.host(CALLEE.name).service('extra')
  await placeFile(file, EXTRA)
  await passing('extra', 1)
  await until('the name of extra', () => resolverOf(WEB).resolve4('extra.mesh'))
  const extra = await targetOn(WEB, 'extra', EXTRA_PORT)
  const socket = await connected(extra)
  await drained()
  await allLive()
  assert.ok((await replacements()) > before, 'the inbound listener was not changed')
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(20_000) })
  await rm(file)
  await closed
  await drained()
  await allLive()
})

/** A connection that has an answer, so that it goes all the way; those that are closed before are tried anew. */
async function connected({ address, port }: Target): Promise<Socket> {
  for (let tries = 0; tries < 1000; tries++) {
    const socket = connect(port, address)
    socket.on('error', () => socket.destroy())
    const answered = new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true))
      socket.once('close', () => resolve(false))
    })
    socket.write('first')
    if (await answered) return socket
  }
  throw new Error(`no connection to ${address}:${port} has had an answer`)
}
