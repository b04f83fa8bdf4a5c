import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { Latest, waitFor } from '../../common/latest.js'
import type { DeltaDiscoveryResponse } from '../../common/proto/envoy/service/discovery/v3/discovery_pb.js'
import { DELTA_METHOD } from '../../common/xds/grpc-service.js'
import { decodeResponse, encodeRequest } from '../../common/xds/wire.js'

/** A client that asks and does not read, on HTTP/2 itself, because gRPC libraries read ahead. */
export class DeafClient implements Disposable {
  readonly #id: string
  readonly #session: ClientHttp2Session
  readonly #stream: ClientHttp2Stream
  readonly #received = new Latest(Buffer.alloc(0))

  /**
   * @param connection to a server of ADS, bare or with TLS
   * @param id what it says that its node is
   */
  constructor(connection: Duplex, id = 'deaf') {
    this.#id = id
    this.#session = connect('http://localhost', { createConnection: () => connection })
    this.#session.on('error', () => this.#session.destroy())
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': DELTA_METHOD.path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
  }

  ask(typeUrl: string): void {
    const request = encodeRequest({ node: { id: this.#id }, typeUrl, resourceNamesSubscribe: ['*'] })
    const head = Buffer.alloc(5)
    head.writeUInt32BE(request.length, 1)
    this.#stream.write(Buffer.concat([head, request]))
  }

  wakeUp(): void {
    this.#stream.on('data', (data: Buffer) => this.#received.set(Buffer.concat([this.#received.value, data])))
  }

  /** Waits for so many responses, and returns all there are. */
  async messages(count: number): Promise<readonly DeltaDiscoveryResponse[]> {
    const enough = (received: Buffer) => splitFrames(received).length >= count
    return splitFrames(await waitFor(this.#received, enough, AbortSignal.timeout(5_000))).map(decodeResponse)
  }

  /** Waits until the stream is closed, and tells by which code. */
  async closed(): Promise<number | undefined> {
    const closed = once(this.#stream, 'close', { signal: AbortSignal.timeout(5_000) })
    this.#stream.resume()
    await closed
    return this.#stream.rstCode
  }

  [Symbol.dispose](): void {
    this.#session.destroy()
  }
}

function splitFrames(bytes: Buffer): readonly Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1)
    if (end > bytes.length) break
    frames.push(bytes.subarray(at + 5, end))
    at = end
  }
  return frames
}
