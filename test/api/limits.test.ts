import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import type { Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { status } from '@grpc/grpc-js'
import { DELTA_METHOD } from '../../common/xds/grpc-service.js'
import { LISTENER } from '../../common/xds/types.js'
import { encodeRequest } from '../../common/xds/wire.js'
import { CONNECTION_LIMITS, type ConnectionLimits } from '../../controlplane/api/limits.js'
import { AttackedServer, BANNED, HONEST, HOSTILE } from './attacked-server.js'
import { silent } from './attacks.js'
import { eventually, within } from './control-plane.js'
import { callHead, closed, END_HEADERS, frame, framesOf, HEADERS, PREFACE, RST_STREAM } from './http2-frames.js'

/** What is bounded by a second or less ends within this, milliseconds, on a machine that is busy too. */
const SOON_MS = 6_000

/** The limits of a fleet but for these, each so small that a test reaches it and no other. */
function start(t: TestContext, limits: Partial<ConnectionLimits>): Promise<AttackedServer> {
  return AttackedServer.start(t, { ...CONNECTION_LIMITS, ...limits })
}

suite('of what the control plane bounds, a caller gets exactly the bound:', { concurrency: 4 }, () => {
  test('handshakes at once, from however many addresses', async (t) => {
    const server = await start(t, { handshakes: { total: 4, each: 2 }, handshakeMs: 3_000 })
    const idle = ['127.0.0.66', '127.0.0.67'].flatMap((from) =>
      Array.from({ length: 2 }, () => silent(t, server.address.port, from)),
    )
    await Promise.all(idle.map((socket) => once(socket, 'connect')))
    await once(server.open(t, HOSTILE, { localAddress: '127.0.0.68' }), 'secureConnect')
    await eventually(async () => assert.ok(idle.some(({ destroyed }) => destroyed)), 500)
  })

  test('the time of a handshake, also of one who says a little now and then', async (t) => {
    const server = await start(t, { handshakeMs: 1_000 })
    const sockets = Array.from({ length: 5 }, () => silent(t, server.address.port))
    const trickle = Buffer.concat([Buffer.from('1603010200', 'hex'), Buffer.alloc(512)])
    const timer = setInterval(() => {
      for (const socket of sockets.slice(1))
        socket.write(trickle.subarray(socket.bytesWritten, socket.bytesWritten + 1))
    }, 50)
    t.after(() => clearInterval(timer))
    const begun = performance.now()
    await within(SOON_MS, ends(sockets))
    assert.ok(performance.now() - begun > 900, 'not before its time')
    await server.change()
  })

  test('connections that wait for their handshake, by address and in all', async (t) => {
    const handshakes = { total: 3, each: 1 }
    const server = await start(t, { handshakes, waiting: { total: 30, each: 20 }, handshakeMs: 60_000 })
    const first = Array.from({ length: 50 }, () => silent(t, server.address.port, '127.0.0.66'))
    await eventually(async () => assert.equal(gone(first), 50 - 1 - 20), SOON_MS)
    const second = Array.from({ length: 50 }, () => silent(t, server.address.port, '127.0.0.67'))
    await eventually(async () => assert.equal(gone(second), 50 - 1 - 10), SOON_MS)
    await server.change()
  })

  test('the patience with who waits for a handshake', async (t) => {
    const server = await start(t, { handshakes: { total: 32, each: 2 }, patienceMs: 500, handshakeMs: 60_000 })
    const sockets = Array.from({ length: 10 }, () => silent(t, server.address.port))
    await eventually(async () => assert.equal(gone(sockets), 8), SOON_MS)
    await once(server.open(t, HOSTILE), 'secureConnect')
  })

  test('no time at the end: who waits or is about its handshake is closed', async (t) => {
    const handshakes = { total: 32, each: 5 }
    const server = await AttackedServer.start(t, { ...CONNECTION_LIMITS, handshakes, handshakeMs: 15_000 }, false)
    const sockets = Array.from({ length: 10 }, () => silent(t, server.address.port))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    // The server knows of all of them as soon as it has let in one that came later.
    await once(server.open(t, HOSTILE), 'secureConnect')
    await within(SOON_MS, server.close())
  })

  test('connections without a certificate, by address and in all', async (t) => {
    const server = await start(t, { anonymous: { total: 15, each: 10 } })
    const from = (localAddress: string) =>
      Array.from({ length: 20 }, () => server.open(t, undefined, { localAddress }).resume())
    const first = from('127.0.0.66')
    await eventually(async () => assert.equal(gone(first), 10), SOON_MS)
    const second = from('127.0.0.67')
    await eventually(async () => assert.equal(gone(second), 15), SOON_MS)
    await checkServed(t, server, HOSTILE)
  })

  test('the life of a connection without a certificate, however busy', async (t) => {
    const server = await start(t, { anonymousMs: 1_000, refusedCalls: 1_000_000, callsPerMinute: 1_000_000 })
    const host = server.open(t, HOSTILE).resume()
    const caller = new Caller(t, server, undefined)
    const begun = performance.now()
    while ((await caller.call(DELTA_METHOD.path)) === status.UNAUTHENTICATED) {
      assert.ok(performance.now() - begun < SOON_MS, 'it has ended')
    }
    assert.ok(performance.now() - begun > 900, 'not before its time')
    assert.ok(!host.destroyed)
  })

  test('the life of a connection with one', async (t) => {
    const server = await AttackedServer.start(t, { ...CONNECTION_LIMITS, identifiedMs: 1_000 }, false)
    const [socket, stranger] = [server.open(t, HOSTILE).resume(), server.open(t, undefined).resume()]
    await within(SOON_MS, ends([socket]))
    assert.ok(!stranger.destroyed)
    await checkServed(t, server, HOSTILE)
  })

  test('connections of one host', async (t) => {
    const server = await start(t, { identified: { total: 100, each: 10 } })
    const sockets = Array.from({ length: 30 }, () => server.open(t, HOSTILE).resume())
    await eventually(async () => assert.equal(gone(sockets), 20), SOON_MS)
    await checkServed(t, server, HONEST)
    for (const socket of sockets) socket.destroy()
    await eventually(() => checkServed(t, server, HOSTILE), SOON_MS)
  })

  test('connections of banned hosts that hear why, by address and in all', async (t) => {
    const server = await start(t, { dismissed: { total: 3, each: 2 } })
    const from = (localAddress: string) =>
      Array.from({ length: 4 }, () => new Caller(t, server, BANNED, { localAddress }).call(DELTA_METHOD.path))
    const [first, second] = [await Promise.all(from('127.0.0.66')), await Promise.all(from('127.0.0.67'))]
    const told = (answers: readonly unknown[]) => answers.filter((answer) => answer === status.PERMISSION_DENIED).length
    // So few that all of it is over before the first of them are closed, two seconds later.
    assert.deepEqual([told(first), told(second)], [2, 1])
    await server.change()
  })

  test('connections in all', async (t) => {
    const server = await start(t, { connections: 11 })
    const sockets = Array.from({ length: 30 }, () => server.open(t, undefined).resume())
    await eventually(async () => assert.equal(gone(sockets), 20), SOON_MS)
    await server.change()
  })

  test('calls that it may not make', async (t) => {
    const server = await start(t, { refusedCalls: 20 })
    const caller = new Caller(t, server, undefined)
    for (let index = 1; index < 20; index++) {
      assert.equal(await caller.call(DELTA_METHOD.path), status.UNAUTHENTICATED, `call ${index}`)
    }
    assert.equal(await caller.call(DELTA_METHOD.path), 'cut')
    await closed(caller.socket, AbortSignal.timeout(SOON_MS))
  })

  for (const [what, path, answer] of [
    ['calls in a minute', DELTA_METHOD.path, status.OK],
    ['calls in a minute of what is not served', '/mesh.v1.Agents/Unknown', status.UNIMPLEMENTED],
  ] as const) {
    test(what, async (t) => {
      const server = await start(t, { callsPerMinute: 50 })
      const [caller, other] = [new Caller(t, server, HOSTILE), new Caller(t, server, HOSTILE)]
      for (let index = 1; index < 50; index++) assert.equal(await caller.call(path), answer, `call ${index}`)
      assert.equal(await caller.call(path), 'cut')
      await closed(caller.socket, AbortSignal.timeout(SOON_MS))
      assert.equal(await other.call(path), answer)
    })
  }

  test('time to answer when it is asked whether it is there', async (t) => {
    const server = await start(t, { keepalive: { afterMs: 500, answerMs: 500 } })
    const [dead, alive] = [server.open(t, HOSTILE), new Caller(t, server, HOSTILE)]
    await within(SOON_MS, ends([dead.resume()]))
    assert.equal(await alive.call(DELTA_METHOD.path), status.OK)
  })

  test('streams at once', async (t) => {
    const server = await start(t, {})
    const refused = await openStreams(server.open(t, HOSTILE), 150, 50)
    assert.deepEqual(
      refused,
      Array.from({ length: 50 }, (_, index) => 2 * (index + 100) + 1),
    )
    await server.change()
  })

  test('streams at once of a banned host', async (t) => {
    const server = await start(t, {})
    const refused = await openStreams(server.open(t, BANNED), 50, 46)
    assert.equal(refused.length, 46)
    await server.change()
  })

  test('memory for what it asks for and does not read', async (t) => {
    const server = await start(t, {})
    await server.change(3 << 20)
    const caller = new Caller(t, server, HOSTILE)
    let streams = 0
    while (streams < 60 && (await within(SOON_MS, caller.subscribe(LISTENER, 'filler'))) === 'answered') streams++
    assert.ok(streams > 10 && streams < 30, `${streams} streams of 3 MiB, 64 MB allowed`)
    await checkServed(t, server, HOSTILE)
  })
})

/** Opens streams all at once, and waits until so many of them are refused. @returns the IDs of those */
async function openStreams(socket: TLSSocket, count: number, refused: number): Promise<readonly number[]> {
  const heads = Array.from({ length: count }, (_, index) =>
    frame(HEADERS, END_HEADERS, 2 * index + 1, callHead(DELTA_METHOD.path)),
  )
  const isRefusal = (one: Buffer) =>
    one.readUInt8(3) === RST_STREAM && one.readUInt32BE(9) === constants.NGHTTP2_REFUSED_STREAM
  const refusals = framesOf(socket, isRefusal, refused)
  socket.write(Buffer.concat([PREFACE, ...heads]))
  return (await within(SOON_MS, refusals)).map((one) => one.readUInt32BE(5))
}

/** How many of these the other side has closed. */
function gone(sockets: readonly Socket[]): number {
  return sockets.filter(({ destroyed }) => destroyed).length
}

async function ends(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => closed(socket, AbortSignal.timeout(SOON_MS))))
}

/** Checks that a host is let in and answered. */
async function checkServed(t: TestContext, server: AttackedServer, host: string): Promise<void> {
  assert.equal(await within(SOON_MS, new Caller(t, server, host).call(DELTA_METHOD.path)), status.OK)
}

/** One connection of a host or of nobody that makes calls, as HTTP/2 has them: nothing is tried again. */
class Caller {
  readonly socket
  readonly #session

  constructor(t: TestContext, server: AttackedServer, host: string | undefined, from: { localAddress?: string } = {}) {
    this.socket = server.open(t, host, from)
    this.#session = connectHttp2('http://control-plane', { createConnection: () => this.socket })
    this.#session.on('error', () => undefined)
  }

  /** Makes a call without a message. @returns its gRPC status, or that the connection ended instead */
  async call(path: string): Promise<status | 'cut'> {
    const stream = this.#request(path)
    stream.end()
    stream.resume()
    return new Promise((resolve) => {
      const read = (headers: Readonly<Record<string, unknown>>) => {
        if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']))
      }
      stream.on('response', read)
      stream.on('trailers', read)
      stream.on('close', () => resolve('cut'))
    })
  }

  /** Subscribes to a resource, on a stream of its own from which nothing is read. */
  async subscribe(typeUrl: string, name: string): Promise<'answered' | 'refused'> {
    const stream = this.#request(DELTA_METHOD.path)
    const request = encodeRequest({ node: { id: HOSTILE ?? '' }, typeUrl, resourceNamesSubscribe: [name] })
    const head = Buffer.alloc(5)
    head.writeUInt32BE(request.length, 1)
    stream.write(Buffer.concat([head, request]))
    return new Promise((resolve) => {
      stream.on('response', () => resolve('answered'))
      stream.on('close', () => resolve('refused'))
    })
  }

  #request(path: string) {
    const fields = { [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc', te: 'trailers' }
    const stream = this.#session.request({ ':method': 'POST', ':path': path, ...fields }, { endStream: false })
    stream.on('error', () => undefined)
    return stream
  }
}
