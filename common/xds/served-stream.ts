import { ChangeTimer } from './change-timer.js'
import type { Clock } from './clock.js'
import type { DeltaStream, DeltaStreamOptions } from './delta-stream.js'
import { checkNode } from './limits.js'
import type { Conversation, Protocol } from './protocol.js'
import { type RefusedResource, StreamRefusal } from './refusal.js'
import type { SubscriptionStatus } from './subscription.js'
import { decodeNode, type Node } from './wire.js'

/** The transport of one stream, as the engine uses it. */
export interface XdsCall<Peer> {
  /** What the transport knows of the client, for `identify`. */
  readonly peer: Peer
  /** Whether the client reads what was written. While it is not, nothing is written, and nothing piles up. */
  readonly writable: boolean
  write(message: Uint8Array): void
  /** Ends the stream; called at most once, and nothing is written after it. */
  end(refusal: StreamRefusal): void
}

/**
 * Tells which client a stream serves, as in `Publication.clients`: asked with the first request, and again whenever the
 * client says something new of itself. What the transport has verified should decide, not what the client says.
 *
 * @param node what the client says of itself; absent when it says nothing
 * @throws {StreamRefusal} to end the stream
 */
export type Identify<Peer> = (node: Node | undefined, peer: Peer) => string

/** How one stream stands, for people. */
export interface StreamStatus {
  readonly client: string
  /** Whether a publication lists the client; until then it waits. */
  readonly listed: boolean
  readonly acknowledged: boolean
  /** By type; counted at each call. */
  readonly types: () => readonly SubscriptionStatus[]
  readonly refused: readonly RefusedResource[]
  /** Resources sent since the stream began: none to a client that had everything already. */
  readonly resourcesSent: number
}

/** What a stream needs of its server. */
export interface StreamOwner<Peer> {
  readonly identify: Identify<Peer>
  readonly clock: Clock
  readonly stream: DeltaStreamOptions
  /** The stream has told who its client is; once a stream. */
  identified(stream: ServedStream<Peer>): void
  /** What is known of the client has changed by a request, and what is to be sent may have. */
  changed(stream: ServedStream<Peer>): void
  /** What stands refused is not what it was. */
  refused(stream: ServedStream<Peer>, refused: readonly RefusedResource[]): void
  /** A message met with an error that is not the client's. */
  failed(stream: ServedStream<Peer>, error: unknown): void
  /** A request has been dealt with. */
  received(stream: ServedStream<Peer>): void
  ended(stream: ServedStream<Peer>): void
}

/** One stream of an {@link XdsServer}: its state machine tied to its transport and to the clock. */
export class ServedStream<Peer> {
  readonly #call: XdsCall<Peer>
  readonly #owner: StreamOwner<Peer>
  readonly #conversation: Conversation
  #client: string | undefined
  #resourcesSent = 0
  #node: Uint8Array | undefined
  #cancelTimer: (() => void) | undefined
  #refused: readonly RefusedResource[] = []
  #admitted = false
  #open = true
  readonly #changes: ChangeTimer

  constructor(call: XdsCall<Peer>, owner: StreamOwner<Peer>, protocol: Protocol) {
    this.#call = call
    this.#owner = owner
    this.#conversation = protocol(owner.stream)
    this.#changes = new ChangeTimer(owner.stream.observer)
  }

  /** The client that the stream serves; absent before its first request. */
  get client(): string | undefined {
    return this.#client
  }

  /** What is known of the client, whatever protocol it speaks. */
  get state(): DeltaStream {
    return this.#conversation.state
  }

  get status(): StreamStatus {
    const { state } = this
    const { acknowledged, refused, view } = state
    const facts = { client: this.#client ?? '', listed: view !== undefined, acknowledged, refused }
    // Counting names takes time in proportion to them, and most who ask do not look.
    return { ...facts, resourcesSent: this.#resourcesSent, types: () => state.status() }
  }

  /** Something that may concern the client changed at this time, monotonic milliseconds. */
  changed(at: number): void {
    this.#changes.changed(at)
  }

  /** Whether the stream has had its turn among those that are new. */
  get admitted(): boolean {
    return this.#admitted
  }

  /** Lets the stream answer from now on; until then requests are taken and nothing is written. */
  admit(): void {
    this.#admitted = true
    this.send()
  }

  /** Takes one message of the client. Never throws: what is wrong with it ends the stream. */
  receive(message: Uint8Array): void {
    if (!this.#open) return
    try {
      this.#conversation.receive(message, (node) => this.#identify(node))
    } catch (error) {
      this.end(
        error instanceof StreamRefusal ? error : new StreamRefusal('INTERNAL', 'internal error', { cause: error }),
      )
      if (!(error instanceof StreamRefusal)) this.#owner.failed(this, error)
      return
    }
    this.#owner.changed(this)
    this.send()
    this.#owner.received(this)
  }

  /** Writes what is to be sent now, as far as the client reads. To be called when the call has become writable. */
  send(): void {
    const { clock } = this.#owner
    let sent = false
    while (this.#open && this.#admitted && this.#call.writable) {
      const response = this.#conversation.next(clock.now())
      if (response === undefined) break
      sent = true
      this.#resourcesSent += response.news
      this.#call.write(response.bytes)
    }
    this.#changes.settled(sent, this.state, clock.now())
    this.#setTimer()
    this.#report()
  }

  /** Ends the stream from this side. */
  end(refusal: StreamRefusal): void {
    if (!this.#open) return
    this.closed()
    this.#call.end(refusal)
  }

  /** To be called when the transport has closed; nothing is written after it. */
  closed(): void {
    if (!this.#open) return
    this.#open = false
    this.#cancelTimer?.()
    this.#owner.ended(this)
  }

  #identify(node: Uint8Array | undefined): void {
    if (this.#client !== undefined && (node === undefined || sameBytes(node, this.#node))) return
    checkNode(node, this.#owner.stream.limits)
    const client = this.#owner.identify(node === undefined ? undefined : decodeNode(node), this.#call.peer)
    if (this.#client !== undefined && client !== this.#client) {
      throw new StreamRefusal('INVALID_ARGUMENT', `the stream of ${this.#client} cannot become that of ${client}`)
    }
    this.#node = node === undefined ? undefined : Uint8Array.from(node)
    if (this.#client !== undefined) return
    this.#client = client
    this.#owner.identified(this)
  }

  #report(): void {
    const { refused } = this.state
    if (refused.length === this.#refused.length && refused.every((one, index) => one === this.#refused[index])) return
    this.#refused = refused
    this.#owner.refused(this, refused)
  }

  #setTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const { deadline } = this.state
    if (!this.#open || !this.#admitted || deadline === undefined || !this.#call.writable) return
    const { clock } = this.#owner
    this.#cancelTimer = clock.after(Math.max(0, deadline - clock.now()), () => this.send())
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0
}
