import { constants, performServerHandshake } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { status } from '@grpc/grpc-js'
import type { Bound } from './limits.js'
import { Tally } from './tally.js'

/** How long who is dismissed has to ask, and to read why he is not let in, milliseconds. */
const DISMISSAL_MS = 2_000

/** An agent makes two calls. What is sent and not read is bounded by this too. */
const SETTINGS = { maxConcurrentStreams: 4 }

/**
 * Tells hosts of this mesh why they are not let in, instead of a connection that breaks without a word. Their
 * connections never reach the server of the API: whatever they call, the one answer is the reason, and after a moment
 * they are closed.
 */
export class Dismissals {
  readonly #tally: Tally
  readonly #sockets = new Set<TLSSocket>()

  /** @param bound how many connections are told at once; what is beyond is closed without a word */
  constructor(bound: Bound) {
    this.#tally = new Tally(bound)
  }

  /** Answers each call on the connection with `PERMISSION_DENIED` and the reason, and closes it soon. */
  dismiss(socket: TLSSocket, reason: string): void {
    const giveBack = socket.remoteAddress === undefined ? undefined : this.#tally.take(socket.remoteAddress)
    if (giveBack === undefined) return void socket.destroy()
    this.#sockets.add(socket)
    const timer = setTimeout(() => socket.destroy(), DISMISSAL_MS)
    timer.unref()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      giveBack()
      this.#sockets.delete(socket)
    })
    answerAll(socket, reason)
  }

  /** Ends all of them at once. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A gRPC answer that consists of trailers alone. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function answerAll(socket: TLSSocket, reason: string): void {
  const session = performServerHandshake(socket, { settings: SETTINGS })
  session.on('error', () => socket.destroy())
  session.on('stream', (stream) => {
    stream.on('error', () => stream.destroy())
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(status.PERMISSION_DENIED),
        'grpc-message': encodeURI(reason),
      },
      { endStream: true },
    )
    stream.close(constants.NGHTTP2_NO_ERROR)
  })
}
