import {
  type handleBidiStreamingCall,
  Metadata,
  type MethodDefinition,
  type Server,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js'
import { type Clock, systemClock } from './clock.js'
import { DELTA, type Protocol, STATE_OF_THE_WORLD } from './protocol.js'
import { StreamRefusal } from './refusal.js'
import type { XdsCall } from './served-stream.js'
import type { XdsServer } from './server.js'

/** One ADS stream of grpc-js, with messages as bytes. What the transport has verified of the client hangs on it. */
export type AdsCall = ServerDuplexStream<Buffer, Buffer>

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService'

/** The delta method of ADS, with messages as bytes. */
export const DELTA_METHOD = adsMethod('DeltaAggregatedResources')

/** The older method of ADS, in which each response repeats everything. */
export const STATE_OF_THE_WORLD_METHOD = adsMethod('StreamAggregatedResources')

/** How a gRPC server treats slow clients. */
export interface AdsServiceOptions {
  /** Milliseconds after which a client that does not read what was sent to it is cut; 30,000 unless given. */
  readonly sendTimeout?: number
  readonly clock?: Clock
}

/**
 * Adds ADS to a gRPC server, both as delta and as state-of-the-world streams, served by `xds`. The server decides who may connect; `identify` of `xds` gets the call with what is known of its peer.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#aggregated-xds-ads
 */
export function addAdsService(server: Server, xds: XdsServer<AdsCall>, options: AdsServiceOptions = {}): void {
  const speak =
    (protocol: Protocol): handleBidiStreamingCall<Buffer, Buffer> =>
    (call) =>
      serveCall(call, xds, protocol, options)
  server.addService(
    { DeltaAggregatedResources: DELTA_METHOD, StreamAggregatedResources: STATE_OF_THE_WORLD_METHOD },
    { DeltaAggregatedResources: speak(DELTA), StreamAggregatedResources: speak(STATE_OF_THE_WORLD) },
  )
}

function adsMethod(name: string): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes
  return {
    path: `${SERVICE}/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}

function serveCall(call: AdsCall, xds: XdsServer<AdsCall>, protocol: Protocol, options: AdsServiceOptions): void {
  const close = () => {
    writer.stop()
    stream.closed()
  }
  const writer = new CallWriter(call, options, { writable: () => stream.send(), cut: close })
  const stream = xds.serve(writer, protocol)
  call.on('data', (message: Buffer) => stream.receive(message))
  call.on('end', () => {
    close()
    call.end()
  })
  call.on('error', close)
  call.on('cancelled', close)
  call.on('close', close)
}

/**
 * Writes to one call no more than its client reads. Of what is written, at most {@link UNREAD_BYTES} and one message
 * are on their way; grpc-js itself would take any number of bytes for a client that never reads.
 */
class CallWriter implements XdsCall<AdsCall> {
  readonly peer: AdsCall
  readonly #clock: Clock
  readonly #sendTimeout: number
  readonly #on: WriterEvents
  #unread = 0
  #open = true
  #cancelTimer: (() => void) | undefined

  constructor(call: AdsCall, options: AdsServiceOptions, on: WriterEvents) {
    this.peer = call
    this.#clock = options.clock ?? systemClock
    this.#sendTimeout = options.sendTimeout ?? 30_000
    this.#on = on
  }

  get writable(): boolean {
    return this.#open && this.#unread < UNREAD_BYTES
  }

  write(message: Uint8Array): void {
    this.#unread += message.byteLength
    this.#cancelTimer ??= this.#clock.after(this.#sendTimeout, () => this.#cut())
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    this.peer.write(bytes, () => this.#wasRead(message.byteLength))
  }

  end(refusal: StreamRefusal): void {
    this.stop()
    endCall(this.peer, refusal)
  }

  stop(): void {
    this.#open = false
    this.#cancelTimer?.()
  }

  #wasRead(bytes: number): void {
    const wasFull = !this.writable
    this.#unread -= bytes
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (!this.#open) return
    if (this.#unread > 0) this.#cancelTimer = this.#clock.after(this.#sendTimeout, () => this.#cut())
    if (wasFull && this.writable) this.#on.writable()
  }

  /** A status could not reach a client that does not read, and would keep what it has not read: so the stream is reset. */
  #cut(): void {
    this.#on.cut()
    resetCall(this.peer)
  }
}

/** What a writer tells: that there is room again, and that it gives the client up. */
interface WriterEvents {
  writable(): void
  cut(): void
}

/** Bytes that may be unread by the client before the next message is made: about what its HTTP/2 window holds. */
const UNREAD_BYTES = 64 << 10

function endCall(call: AdsCall, refusal: StreamRefusal): void {
  const { message } = refusal
  const facts = { code: status[refusal.status], details: message, metadata: new Metadata() }
  call.emit('error', Object.assign(new Error(message), facts))
}

/** Closes the HTTP/2 stream below a call; grpc-js has no public way. @see nghttp2's error code CANCEL */
function resetCall(call: AdsCall): void {
  const { stream } =
    (call as unknown as { readonly call?: { readonly stream?: { close?(code: number): void } } }).call ?? {}
  if (stream?.close === undefined) endCall(call, new StreamRefusal('DEADLINE_EXCEEDED', 'the client does not read'))
  else stream.close(HTTP2_CANCEL)
}

const HTTP2_CANCEL = 8
