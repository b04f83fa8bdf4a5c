/**
 * The floor: an HTTP/2 server that knows no mesh and writes canned frames of the sizes that the real one wrote, when a
 * client asks or acknowledges, and to all concerned clients when a session says anything.
 */
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { DELTA_METHOD } from '../../../common/xds/grpc-service.js'
import type { ServerAddress } from '../load/connect.js'
import type { Recorded } from '../load/herd.js'
import { answer } from '../process/remote.js'
import { UsageMeter } from '../process/usage.js'

/** What the server writes. */
export interface Script {
  /** By type: what a client gets first, one response after the ACK of the other. */
  readonly first: Recorded
  /** What each event sends, one after the other, and then from the beginning. */
  readonly events: readonly Recorded[]
  /** Absent: plain text. */
  readonly tls?: { readonly keyPem: string; readonly chainPem: string; readonly trustBundlePem: string }
}

const meter = new UsageMeter()
const concerned = new Set<ServerHttp2Stream>()
let events: readonly Buffer[] = []
let next = 0

const api = {
  /** Starts the server. @returns where it is reached */
  async start(script: Script): Promise<ServerAddress> {
    const first = [...script.first].map(([type, messages]) => [type, messages.map(grpcFrame)] as const)
    api.play(script.events)
    const server = serverOf(script)
    server.on('stream', (stream, headers) => {
      stream.on('error', () => stream.destroy())
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' })
      if (headers[':path'] !== DELTA_METHOD.path) return void serveSession(stream)
      serve(stream, new Map(first.map(([type, frames]) => [type, [...frames]])))
      if (headers['x-bench-concerned'] !== 'yes') return
      concerned.add(stream)
      stream.on('close', () => concerned.delete(stream))
    })
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
    const { address, port } = server.address() as AddressInfo
    const { tls } = script
    return { address, port, ...(tls === undefined ? {} : { trustBundlePem: tls.trustBundlePem }) }
  },

  /** Other events from now on. */
  play(recorded: readonly Recorded[]) {
    events = recorded.map((one) => Buffer.concat([...one.values()].flat().map(grpcFrame)))
    next = 0
  },

  usage: () => meter.read(),
}

/** What the null server can be asked. */
export type NullServerApi = typeof api

function serverOf({ tls }: Script): Http2Server {
  if (tls === undefined) return createServer()
  const { keyPem: key, chainPem: cert, trustBundlePem: ca } = tls
  return createSecureServer({ key, cert, ca, requestCert: true, minVersion: 'TLSv1.3' })
}

/** Answers each message of a client with the next frame of the type in it, while there are any. */
function serve(stream: ServerHttp2Stream, script: Map<string, Buffer[]>): void {
  let rest: Buffer = Buffer.alloc(0)
  stream.on('data', (data: Buffer) => {
    if (script.size === 0) return
    rest = rest.length === 0 ? data : Buffer.concat([rest, data])
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1)
      answerMessage(stream, script, rest.subarray(5, end))
      rest = rest.subarray(end)
    }
  })
}

function answerMessage(stream: ServerHttp2Stream, script: Map<string, Buffer[]>, message: Buffer): void {
  for (const [type, frames] of script) {
    if (!message.includes(type)) continue
    const frame = frames.shift()
    if (frame === undefined) script.delete(type)
    else stream.write(frame)
  }
}

/** Whatever a session says is an event. */
function serveSession(stream: ServerHttp2Stream): void {
  stream.on('data', () => {
    const frame = events[next++ % events.length]
    if (frame !== undefined) for (const one of concerned) one.write(frame)
  })
}

function grpcFrame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

answer(api)
