import { Latest } from '../latest.js'
import { type Log, silentLog } from '../log.js'
import { type Clock, systemClock } from './clock.js'
import type { DeltaStreamOptions } from './delta-stream.js'
import { FIRST_ANSWERS } from './limits.js'
import { Newcomers } from './newcomers.js'
import type { XdsObserver } from './observer.js'
import { DELTA, type Protocol } from './protocol.js'
import { type RefusedResource, StreamRefusal } from './refusal.js'
import type { Publication } from './resource.js'
import { type Identify, ServedStream, type StreamOwner, type StreamStatus, type XdsCall } from './served-stream.js'
import { allNames, type ChangedNames, changedLayers, mergeNames, viewOf } from './view.js'

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
 * What changed is found once for each layer, by identity, and told to the streams that see the layer, for the names
 * that they subscribe to. The first change after quiet goes out in the same turn of the event loop; a long fan-out is
 * cut in slices, between which newer publications replace what has not been sent. New streams get their first answers by
 * turns, after what the others are to be told.
 */
export class XdsServer<Peer> {
  readonly #source: Latest<Publication>
  readonly #owner: StreamOwner<Peer>
  readonly #clock: Clock
  readonly #streams = new Set<ServedStream<Peer>>()
  readonly #layersOf = new Map<ServedStream<Peer>, readonly string[]>()
  readonly #byLayer = new Map<string, Set<ServedStream<Peer>>>()
  readonly #ready = new Set<ServedStream<Peer>>()
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
    return [...this.#streams].filter(({ client }) => client !== undefined).map(({ status }) => status)
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
    const changed = changedLayers(before, publication)
    const touched = new Set<ServedStream<Peer>>()
    for (const layer of changed.keys()) {
      for (const stream of this.#byLayer.get(layer) ?? []) touched.add(stream)
    }
    const changedAt = publication.changedAt ?? this.#clock.now()
    for (const stream of publication.clients === before.clients ? touched : this.#streams) {
      const layers = publication.clients.get(stream.client ?? '')
      if (!sameLayers(layers, this.#layersOf.get(stream))) this.#show(stream)
      else if (layers === undefined || !touched.has(stream) || !this.#tell(stream, layers, changed)) continue
      stream.changed(changedAt)
      if (stream.admitted) this.#ready.add(stream)
      else this.#newcomers.add(stream)
    }
    if (this.#ready.size > 0) this.#fanOutSince ??= begun
    this.#schedule()
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

  /** @returns whether the stream subscribes to anything that changed */
  #tell(stream: ServedStream<Peer>, layers: readonly string[], changed: ReadonlyMap<string, ChangedNames>): boolean {
    const changes = layers.flatMap((layer) => changed.get(layer) ?? [])
    return stream.state.publish(viewOf(this.#publication, layers), mergeNames(changes))
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
    this.#ready.delete(stream)
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
      if (this.#ready.size === 0) this.#newcomers.next()?.admit()
    }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || (this.#ready.size === 0 && !this.#newcomers.ready)) return
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
    for (const stream of this.#ready) {
      this.#ready.delete(stream)
      stream.send()
      if (this.#clock.now() >= end) break
    }
    if (this.#ready.size === 0) this.#endFanOut()
    while (this.#ready.size === 0 && this.#clock.now() < end && this.#newcomers.ready) this.#newcomers.next()?.admit()
    this.#schedule()
  }
}

/** How long the event loop belongs to one fan-out before others get their turn. */
const SLICE_MS = 10

function sameLayers(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a !== undefined && a.length === b?.length && a.every((layer, index) => layer === b[index]))
}
