import { Latest } from '../latest.js'
import { type Log, silentLog } from '../log.js'
import { type Clock, systemClock } from './clock.js'
import type { DeltaStreamOptions } from './delta-stream.js'
import { Differences } from './differences.js'
import { FIRST_ANSWERS } from './limits.js'
import { Newcomers } from './newcomers.js'
import type { XdsObserver } from './observer.js'
import { DELTA, type Protocol } from './protocol.js'
import { type RefusedResource, StreamRefusal } from './refusal.js'
import type { Publication } from './resource.js'
import { type Identify, ServedStream, type StreamOwner, type StreamStatus, type XdsCall } from './served-stream.js'
import { allNames, EMPTY_LAYER, mergeNames, viewOf } from './view.js'

/** What a server needs beside what it serves. */
export interface XdsServerOptions<Peer> {
  readonly identify: Identify<Peer>
  /** Told of errors that are the server's own, each of which ends one stream; nobody is told unless given. */
  readonly log?: Log
  readonly clock?: Clock
  /**
   * Called when a client has refused a resource, or no longer does because it was replaced or removed, with all that
   * the stream's client refuses now.
   */
  readonly onRefused?: (client: string, refused: readonly RefusedResource[]) => void
  /** Order and limits of each stream. */
  readonly stream?: DeltaStreamOptions
  /** How many streams are given their first answers at once; {@link FIRST_ANSWERS} unless given. */
  readonly firstAnswers?: number
  /** Counts what goes over all streams. */
  readonly observer?: XdsObserver
}

/**
 * Serves the newest publication to any number of streams, over any transport.
 *
 * What changed is found once for each layer, by identity, for the streams that see the layer. Each of them has its turn:
 * it is told of the names that it subscribes to, and sent what is due. A long fan-out is cut in slices, between which newer
 * publications take the place of those that a stream has not been told of yet: it goes from what it saw last to the newest.
 * New streams get their first answers by turns, after what the others are to be told.
 */
export class XdsServer<Peer> {
  readonly #source: Latest<Publication>
  readonly #owner: StreamOwner<Peer>
  readonly #clock: Clock
  readonly #streams = new Set<ServedStream<Peer>>()
  readonly #layersOf = new Map<ServedStream<Peer>, readonly string[]>()
  readonly #byLayer = new Map<string, Set<ServedStream<Peer>>>()
  /** Streams that have not been told of the newest publication, and since when, monotonic milliseconds. */
  readonly #stale = new Map<ServedStream<Peer>, number>()
  readonly #differences = new Differences()
  readonly #newcomers: Newcomers<ServedStream<Peer>>
  readonly #unsubscribe: () => void
  #publication: Publication
  /** When the streams began to be told of the oldest publication that some of them have not been told of. */
  #fanOutSince: number | undefined
  #lastFanOut = 0
  #scheduled = false
  #closed = false

  /** Counts the requests and the ends of all streams: to be waited on for what {@link statuses} tells. */
  readonly activity = new Latest(0)

  constructor(source: Latest<Publication>, options: XdsServerOptions<Peer>) {
    this.#source = source
    this.#clock = options.clock ?? systemClock
    const log = options.log ?? silentLog
    this.#owner = {
      identify: options.identify,
      clock: this.#clock,
      stream: { ...options.stream, ...(options.observer === undefined ? {} : { observer: options.observer }) },
      identified: (stream) => this.#show(stream),
      outdated: (stream) => void this.#refresh(stream),
      changed: (stream) => this.#welcome(stream),
      refused: ({ client = '' }, refused) => options.onRefused?.(client, refused),
      failed: ({ client = '' }, error) => log.error('failed to handle an xDS request', { client, error }),
      received: () => this.#active(),
      ended: (stream) => this.#drop(stream),
    }
    this.#newcomers = new Newcomers(options.firstAnswers ?? FIRST_ANSWERS, this.#clock, () => this.#schedule())
    this.#publication = source.value
    this.#unsubscribe = source.subscribe(() => this.#publish(this.#source.value))
  }

  /** Serves one more stream; the transport calls its `receive`, `send` and `closed`. */
  serve(call: XdsCall<Peer>, protocol: Protocol = DELTA): ServedStream<Peer> {
    const stream = new ServedStream(call, this.#owner, protocol)
    this.#streams.add(stream)
    if (this.#closed) stream.end(new StreamRefusal('UNAVAILABLE', 'the server is shutting down'))
    return stream
  }

  /** How all identified streams stand. Computed at each call. */
  statuses(): readonly StreamStatus[] {
    const known = [...this.#streams].filter(({ client }) => client !== undefined)
    return known.map((stream) => (this.#stale.has(stream) ? { ...stream.status, acknowledged: false } : stream.status))
  }

  /** How long it took to tell all streams of the last publication, or takes so far, milliseconds. */
  get fanOutMs(): number {
    return this.#fanOutSince === undefined ? this.#lastFanOut : this.#clock.now() - this.#fanOutSince
  }

  /** Ends the streams of one client, or those of all clients, and says why. */
  end(refusal: StreamRefusal, client?: string): void {
    for (const stream of [...this.#streams]) {
      if (client === undefined || stream.client === client) stream.end(refusal)
    }
  }

  /** Ends all streams and accepts no more. */
  close(): void {
    this.#closed = true
    this.#unsubscribe()
    this.end(new StreamRefusal('UNAVAILABLE', 'the server is shutting down'))
  }

  #publish(publication: Publication): void {
    const before = this.#publication
    this.#publication = publication
    const begun = this.#clock.now()
    this.#lastFanOut = 0
    const changedAt = publication.changedAt ?? begun
    for (const stream of this.#touched(before)) if (!this.#stale.has(stream)) this.#stale.set(stream, changedAt)
    if (this.#stale.size > 0) this.#fanOutSince ??= begun
    this.#schedule()
  }

  /** The streams to which the newest publication may say something that the one before did not. */
  #touched(before: Publication): Iterable<ServedStream<Peer>> {
    if (this.#publication.clients !== before.clients) return this.#streams
    const touched = new Set<ServedStream<Peer>>()
    for (const layer of this.#differences.changedLayers(before, this.#publication)) {
      for (const stream of this.#byLayer.get(layer) ?? []) touched.add(stream)
    }
    return touched
  }

  /** Tells a stream of the newest publication, unless it has been told. @returns whether that concerns it */
  #refresh(stream: ServedStream<Peer>): boolean {
    const since = this.#stale.get(stream)
    if (since === undefined) return false
    this.#stale.delete(stream)
    if (!this.#tell(stream)) return false
    stream.changed(since)
    if (!stream.admitted) this.#newcomers.add(stream)
    return true
  }

  /** Gives a stream its client's layers, when they are others than it had. One that is no longer listed keeps its view. */
  #show(stream: ServedStream<Peer>): void {
    const layers = this.#publication.clients.get(stream.client ?? '')
    this.#unindex(stream)
    if (layers === undefined) return
    const view = viewOf(this.#publication, layers)
    stream.state.publish(view, allNames(stream.state.view ?? [], view))
    this.#index(stream, layers)
  }

  /** @returns whether the stream subscribes to anything that changed, or sees other layers than before */
  #tell(stream: ServedStream<Peer>): boolean {
    const layers = this.#publication.clients.get(stream.client ?? '')
    if (!sameLayers(layers, this.#layersOf.get(stream))) {
      this.#show(stream)
      return true
    }
    if (layers === undefined) return false
    const [before, view] = [stream.state.view ?? [], viewOf(this.#publication, layers)]
    const changes = view.map((layer, index) => this.#differences.between(before[index] ?? EMPTY_LAYER, layer))
    return stream.state.publish(view, mergeNames(changes.filter(({ size }) => size > 0)))
  }

  #index(stream: ServedStream<Peer>, layers: readonly string[]): void {
    this.#layersOf.set(stream, layers)
    for (const layer of layers) {
      const streams = this.#byLayer.get(layer) ?? new Set()
      this.#byLayer.set(layer, streams.add(stream))
    }
  }

  #unindex(stream: ServedStream<Peer>): void {
    for (const layer of this.#layersOf.get(stream) ?? []) {
      const streams = this.#byLayer.get(layer)
      streams?.delete(stream)
      if (streams?.size === 0) this.#byLayer.delete(layer)
    }
    this.#layersOf.delete(stream)
  }

  #drop(stream: ServedStream<Peer>): void {
    this.#unindex(stream)
    this.#streams.delete(stream)
    this.#stale.delete(stream)
    this.#newcomers.end(stream)
    this.#active()
    this.#schedule()
  }

  #active(): void {
    this.activity.set(this.activity.value + 1)
  }

  /** After each request: a new stream waits for its turn, and one that has got everything lets the next have it. */
  #welcome(stream: ServedStream<Peer>): void {
    if (stream.admitted) {
      if (stream.state.acknowledged) this.#newcomers.end(stream)
    } else if (stream.state.view !== undefined) {
      this.#newcomers.add(stream)
      if (this.#stale.size === 0) this.#newcomers.next()?.admit()
    }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || (this.#stale.size === 0 && !this.#newcomers.ready)) return
    this.#scheduled = true
    setImmediate(() => this.#fanOut())
  }

  #endFanOut(): void {
    if (this.#fanOutSince === undefined) return
    this.#lastFanOut = this.#clock.now() - this.#fanOutSince
    this.#fanOutSince = undefined
  }

  #fanOut(): void {
    this.#scheduled = false
    const end = this.#clock.now() + SLICE_MS
    for (const stream of this.#stale.keys()) {
      if (this.#refresh(stream) && stream.admitted) stream.send()
      if (this.#clock.now() >= end) break
    }
    if (this.#stale.size === 0) this.#endFanOut()
    while (this.#stale.size === 0 && this.#clock.now() < end && this.#newcomers.ready) this.#newcomers.next()?.admit()
    this.#schedule()
  }
}

/** How long the event loop belongs to one fan-out before others get their turn. */
const SLICE_MS = 10

function sameLayers(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a !== undefined && a.length === b?.length && a.every((layer, index) => layer === b[index]))
}
