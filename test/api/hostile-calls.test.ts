import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type ServiceError, status } from '@grpc/grpc-js'
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../common/proto/envoy/service/discovery/v3/discovery_pb.js'
import { DELTA_METHOD, STATE_OF_THE_WORLD_METHOD } from '../../common/xds/grpc-service.js'
import { CLUSTER, ENDPOINT, LISTENER, SECRET } from '../../common/xds/types.js'
import { AttackedServer, checkPrompt, HONEST, HOSTILE, IMPATIENT } from './attacked-server.js'
import { silent } from './attacks.js'
import { within } from './control-plane.js'
import { callHead, closed, frame, PREFACE } from './http2-frames.js'

suite('a host with a valid certificate that means ill', () => {
  test('is cut for the node ID of another host, and for one that changes', async (t) => {
    const server = await AttackedServer.start(t)
    const other = new WorldCall(t, server)
    other.ask(CLUSTER, [], { id: HONEST })
    assert.equal((await other.failed).code, status.PERMISSION_DENIED)
    const changing = new WorldCall(t, server)
    changing.ask(CLUSTER, [])
    await changing.next()
    changing.ask(CLUSTER, [], { id: HONEST })
    assert.equal((await changing.failed).code, status.PERMISSION_DENIED)
    await checkChanges(server)
  })

  test('is told nothing of secrets that are not its own, and is still told its own', async (t) => {
    const server = await AttackedServer.start(t)
    const call = new WorldCall(t, server)
    const foreign = ['svc/payments', 'caller', 'trust', `secret-of-${HONEST}`, '../x', '*']
    call.ask(SECRET, [...foreign, `secret-of-${HOSTILE}`])
    const { resources } = await call.next()
    const texts = resources.map(({ value }) => Buffer.from(value).toString())
    assert.equal(texts.length, 1)
    assert.match(texts[0] ?? '', new RegExp(`"secret-of-${HOSTILE}"`))
  })

  test('is cut for a million names, and for a node as large as a novel', async (t) => {
    const server = await AttackedServer.start(t)
    const names = new WorldCall(t, server)
    names.ask(
      ENDPOINT,
      Array.from({ length: 1_000_000 }, (_, index) => `n${index}`),
    )
    assert.equal((await names.failed).code, status.RESOURCE_EXHAUSTED)
    const fewer = new WorldCall(t, server)
    fewer.ask(
      ENDPOINT,
      Array.from({ length: 200_000 }, (_, index) => `n${index}`),
    )
    const refusal = await fewer.failed
    assert.equal(refusal.code, status.RESOURCE_EXHAUSTED)
    assert.match(refusal.details, /200000 names/)
    const novel = new WorldCall(t, server)
    novel.ask(CLUSTER, [], { id: HOSTILE, cluster: 'x'.repeat(1 << 20) })
    assert.equal((await novel.failed).code, status.INVALID_ARGUMENT)
    await checkChanges(server)
  })

  test('gets nothing out of stale nonces and endless refusals', async (t) => {
    const server = await AttackedServer.start(t)
    const call = new WorldCall(t, server)
    call.ask(CLUSTER, [])
    const { nonce } = await call.next()
    call.answer(CLUSTER, nonce, 'I do not want it')
    for (let index = 0; index < 20_000; index++) call.answer(CLUSTER, `${index + 100}`, 'nor that')
    for (let index = 0; index < 20_000; index++) call.answer(CLUSTER, nonce, 'still not')
    await checkChanges(server)
    const [, answer] = [await call.next(), call.received]
    assert.ok(answer < 25, `${answer} responses`)
  })

  test('is cut for a message that is said to have 4 GiB', async (t) => {
    const server = await AttackedServer.start(t)
    const socket = server.open(t, HOSTILE)
    await once(socket, 'secureConnect')
    const head = frame(1, 4, 1, callHead(DELTA_METHOD.path))
    const told = new Promise<void>((resolve) => {
      socket.on('data', (data: Buffer) => {
        if (data.includes(TRAILERS)) resolve()
      })
    })
    socket.write(Buffer.concat([PREFACE, head, frame(0, 0, 1, Buffer.from('00ffffffff', 'hex'))]))
    await within(5_000, told)
    await checkChanges(server)
  })

  test('may open no more than a hundred streams', async (t) => {
    const server = await AttackedServer.start(t)
    const client = server.client(t, HOSTILE)
    const calls = Array.from({ length: 300 }, () => new WorldCall(t, server, client))
    for (const call of calls) call.ask(LISTENER, [])
    await checkChanges(server)
    assert.ok(server.xds.statuses().length <= 101, `${server.xds.statuses().length} streams`)
  })
})

suite('strangers', () => {
  test('who hold connections without a certificate leave room for hosts, from the same address too', async (t) => {
    const limits = { anonymous: { total: 30, each: 20 } }
    const server = await AttackedServer.start(t, { ...IMPATIENT, ...limits })
    const idle = Array.from({ length: 60 }, () => server.open(t, undefined))
    const ends = idle.map((socket) => closed(socket, AbortSignal.timeout(20_000)).catch(() => undefined))
    let gone = 0
    for (const end of ends) void end.then(() => gone++)
    await Promise.race([Promise.all(ends.slice(20)), atLeast(40, () => gone, ends)])
    assert.equal(gone, 40)
    const call = new WorldCall(t, server)
    call.ask(CLUSTER, [])
    await within(5_000, call.next())
    await checkChanges(server)
  })

  test('who begin handshakes and do not go on keep no host waiting', async (t) => {
    const server = await AttackedServer.start(t, { ...IMPATIENT, handshakeMs: 10_000 })
    for (let index = 0; index < 200; index++) silent(t, server.address.port)
    const start = performance.now()
    const call = new WorldCall(t, server)
    call.ask(CLUSTER, [])
    await within(5_000, call.next())
    // Behind the strangers it would be in only after their time is up.
    assert.ok(performance.now() - start < 5_000, `in after ${performance.now() - start} ms`)
  })
})

/** Publishes twenty changes while the other host is as it is now. */
async function checkChanges(server: AttackedServer): Promise<void> {
  const delays: number[] = []
  for (let index = 0; index < 20; index++) delays.push(await server.change())
  checkPrompt(...delays)
}

/** The middle of a HEADERS frame that ends the call on stream 1: its type, flags and stream. */
const TRAILERS = Buffer.of(1, 5, 0, 0, 0, 1)

async function atLeast(count: number, seen: () => number, ends: readonly Promise<unknown>[]): Promise<void> {
  const open = [...ends]
  while (seen() < count) {
    await Promise.race(open.map((end, index) => end.then(() => open.splice(index, 1))))
  }
}

/** A state-of-the-world stream of the hostile host. */
class WorldCall {
  received = 0
  readonly #failed: Promise<ServiceError>
  readonly #call
  readonly #messages: AsyncIterator<Buffer>

  constructor(t: TestContext, server: AttackedServer, client = server.client(t, HOSTILE)) {
    const { path, requestSerialize, responseDeserialize } = STATE_OF_THE_WORLD_METHOD
    this.#call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    this.#failed = new Promise((resolve) => this.#call.on('error', (error) => resolve(error as ServiceError)))
    this.#call.on('data', () => this.received++)
    this.#messages = this.#call[Symbol.asyncIterator]()
  }

  /** The status with which the server has ended the stream. */
  get failed(): Promise<ServiceError> {
    return within(10_000, this.#failed)
  }

  ask(typeUrl: string, resourceNames: string[], node: { id: string; cluster?: string } = { id: HOSTILE }): void {
    this.#write({ node, typeUrl, resourceNames })
  }

  answer(typeUrl: string, responseNonce: string, error: string): void {
    this.#write({ typeUrl, responseNonce, errorDetail: { code: 3, message: error } })
  }

  async next(): Promise<DiscoveryResponse> {
    const { value, done } = await within(10_000, this.#messages.next())
    if (done === true) throw new Error('the stream ended')
    return fromBinary(DiscoveryResponseSchema, value)
  }

  #write(request: Parameters<typeof create<typeof DiscoveryRequestSchema>>[1]): void {
    this.#call.write(Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request))))
  }
}
