import { DeltaStream, type DeltaStreamOptions } from './delta-stream.js'
import { decodeDeltaRequest, decodeWorldRequest, encodePush, encodeWorldPush } from './wire.js'
import { WorldStream } from './world-stream.js'

/** One response, encoded. */
export interface Outgoing {
  readonly bytes: Uint8Array
  /** How many resources in it are new to the client. */
  readonly news: number
}

/** What a client and its stream say to each other, in bytes. */
export interface Conversation {
  /** What the stream knows, the same whatever is spoken. */
  readonly state: DeltaStream
  /**
   * Takes one message.
   *
   * @param identify called before anything of the message counts, with the node in it, encoded; absent: it has none
   * @throws {StreamRefusal} when the message is none, or asks for what it may not
   */
  receive(message: Uint8Array, identify: (node: Uint8Array | undefined) => void): void
  /** The response that is to be sent next, or none for now, as `DeltaStream.next` makes it. */
  next(now: number): Outgoing | undefined
}

/** One of the ways in which xDS can be spoken. */
export type Protocol = (options: DeltaStreamOptions) => Conversation

/** Delta xDS: what changed, by name. */
export const DELTA: Protocol = (options) => {
  const state = new DeltaStream(options)
  return {
    state,
    receive(message, identify) {
      const { request, node } = decodeDeltaRequest(message)
      identify(node)
      state.receive(request)
    },
    next(now) {
      const push = state.next(now)
      return push && { bytes: encodePush(push), news: push.resources.length }
    },
  }
}

/** State-of-the-world xDS: requests and responses repeat everything. */
export const STATE_OF_THE_WORLD: Protocol = (options) => {
  const stream = new WorldStream(options)
  return {
    state: stream.delta,
    receive(message, identify) {
      const { request, node } = decodeWorldRequest(message)
      identify(node)
      stream.receive(request)
    },
    next(now) {
      const push = stream.next(now)
      return push && { bytes: encodeWorldPush(push), news: push.news }
    },
  }
}
