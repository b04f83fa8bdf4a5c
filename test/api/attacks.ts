import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { DELTA_METHOD } from '../../common/xds/grpc-service.js'
import { seededRandom } from '../xds/mesh-model.js'
import { type AttackedServer, BANNED, HOSTILE } from './attacked-server.js'
import {
  CONTINUATION,
  callHead,
  closed,
  DATA,
  END_HEADERS,
  frame,
  HEADERS,
  headerBlock,
  PING,
  PREFACE,
  pour,
  RST_STREAM,
  refused,
  SETTINGS,
} from './http2-frames.js'

/** One way to attack the port; resolves when the attackers are cut, or have said all. Bounded in count. */
export interface Attack {
  readonly run: (t: TestContext, server: AttackedServer) => Promise<void>
}

const deadline = () => AbortSignal.timeout(20_000)

/** Attacks below gRPC: on TLS and on HTTP/2. Every one of these connections has to be refused: closed,
 * or told that it is over, and then closed by the next keepalive. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'random bytes instead of TLS': {
    async run(_, { address }) {
      const sockets = Array.from({ length: 100 }, (_, seed) => {
        const socket = connectPlain(address.port, address.address)
        socket.on('error', () => socket.destroy())
        socket.write(randomBytes(2_000, seed + 1))
        return socket
      })
      await Promise.all(sockets.map((socket) => closed(socket, deadline())))
    },
  },
  'handshakes that never go on': {
    async run(t, { address }) {
      const sockets = Array.from({ length: 100 }, () => silent(t, address.port))
      await Promise.all(sockets.map((socket) => closed(socket, deadline())))
    },
  },
  'garbage instead of HTTP/2': {
    run: (t, server) => cut(t, server, 30, (seed) => [randomBytes(100_000, seed)]),
  },
  'a flood of SETTINGS': {
    run: (t, server) =>
      cut(
        t,
        server,
        2,
        () => repeat([PREFACE], frame(SETTINGS, 0, 0, Buffer.from('000300000064', 'hex')), 400_000),
        false,
      ),
  },
  'a flood of PING': {
    run: (t, server) => cut(t, server, 2, () => repeat([PREFACE], frame(PING, 0, 0, Buffer.alloc(8)), 400_000), false),
  },
  'streams that are reset as soon as they are opened': {
    run: (t, server) => cut(t, server, 2, () => rapidReset(100_000)),
  },
  'headers that never end': {
    run: (t, server) => cut(t, server, 5, () => endlessHeaders(2_000)),
  },
  'frames larger than allowed': {
    run: (t, server) => cut(t, server, 5, () => [PREFACE, frame(DATA, 0, 1, Buffer.alloc(1 << 20))]),
  },
  'calls without a certificate, over and over': {
    run: (t, server) => cut(t, server, 2, () => manyCalls(20_000), true, undefined),
  },
  'calls of a banned host, over and over': {
    run: (t, server) => cut(t, server, 16, () => manyCalls(100_000), true, BANNED),
  },
  'calls of what is not served, over and over': {
    run: (t, server) => cut(t, server, 2, () => manyCalls(20_000, '/mesh.v1.Agents/Unknown')),
  },
}

/** Opens connections, pours bytes into each, and waits until the server has closed it. @param reads whether they read */
async function cut(
  t: TestContext,
  server: AttackedServer,
  connections: number,
  chunks: (seed: number) => Iterable<Buffer>,
  reads = true,
  host: string | undefined = HOSTILE,
): Promise<void> {
  const one = async (seed: number) => {
    const socket = server.open(t, host)
    await once(socket, 'secureConnect', { signal: deadline() })
    const end = reads ? refused(socket, deadline()) : undefined
    await pour(socket, chunks(seed))
    await (end ?? closed(socket, deadline()))
  }
  await Promise.all(Array.from({ length: connections }, (_, index) => one(index + 1)))
}

/** A connection from another address on which nothing is said. */
export function silent(t: TestContext, port: number, localAddress = '127.0.0.66'): Socket {
  const socket = connectPlain({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => socket.destroy())
  t.after(() => socket.destroy())
  return socket
}

function* repeat(first: readonly Buffer[], one: Buffer, count: number): Generator<Buffer> {
  yield* first
  const many = Buffer.concat(Array.from({ length: 500 }, () => one))
  for (let sent = 0; sent < count; sent += 500) yield many
}

function* rapidReset(count: number): Generator<Buffer> {
  yield PREFACE
  const head = callHead(DELTA_METHOD.path)
  const cancel = Buffer.from('00000008', 'hex')
  for (let index = 0; index < count; index++) {
    const stream = 2 * index + 1
    yield Buffer.concat([frame(HEADERS, END_HEADERS, stream, head), frame(RST_STREAM, 0, stream, cancel)])
  }
}

function* endlessHeaders(count: number): Generator<Buffer> {
  yield PREFACE
  yield frame(HEADERS, 0, 1, callHead(DELTA_METHOD.path))
  const more = headerBlock({ x: 'y'.repeat(8_000) })
  for (let index = 0; index < count; index++) yield frame(CONTINUATION, 0, 1, more)
}

function* manyCalls(count: number, path: string = DELTA_METHOD.path): Generator<Buffer> {
  yield PREFACE
  const head = callHead(path)
  for (let index = 0; index < count; index++) yield frame(HEADERS, END_HEADERS, 2 * index + 1, head)
}

function randomBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed)
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
}
