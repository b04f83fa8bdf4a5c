import type { Socket } from 'node:net'
import type { ConnectionLimits } from './limits.js'
import { Tally } from './tally.js'

/** A connection that waits for its handshake. */
interface Waiting {
  readonly socket: Socket
  readonly address: string
  /** It waits no longer. */
  readonly leave: () => void
}

/**
 * Lets new connections begin their TLS handshake, a bounded number at once and from one address; the others wait in
 * order, addresses by turns. So a herd of hosts does not block the event loop, and one who opens connections and says
 * nothing takes only what one address may have.
 */
export class Handshakes {
  readonly #limits: ConnectionLimits
  readonly #begin: (socket: Socket) => void
  readonly #running: Tally
  readonly #waiting: Tally
  /** By address, in the order in which they have their next turn. */
  readonly #queues = new Map<string, Set<Waiting>>()
  readonly #ends = new Map<string, () => void>()
  readonly #begun = new Set<Socket>()

  /** @param begin starts the handshake on a socket of which nothing has been read */
  constructor(limits: ConnectionLimits, begin: (socket: Socket) => void) {
    this.#limits = limits
    this.#begin = begin
    this.#running = new Tally(limits.handshakes)
    this.#waiting = new Tally(limits.waiting)
  }

  /** Takes a new connection, or closes it when too many wait already. */
  arrive(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    const { remoteAddress: address } = socket
    if (address === undefined) return void socket.destroy()
    const giveBack = this.#waiting.take(address)
    if (giveBack === undefined) return void socket.destroy()
    const timer = setTimeout(() => socket.destroy(), this.#limits.patienceMs)
    timer.unref()
    const leave = () => {
      clearTimeout(timer)
      socket.off('close', leave)
      giveBack()
      this.#remove(waiting)
    }
    const waiting = { socket, address, leave }
    socket.on('close', leave)
    const queue = this.#queues.get(address) ?? new Set()
    this.#queues.set(address, queue.add(waiting))
    this.#next()
  }

  /** A handshake has ended well; one that fails ends by the end of its connection. @param peer `address:port` */
  succeeded(peer: string): void {
    this.#ends.get(peer)?.()
  }

  /** Closes whoever waits, or is about its handshake. */
  close(): void {
    for (const queue of this.#queues.values()) for (const { socket } of queue) socket.destroy()
    for (const socket of this.#begun) socket.destroy()
  }

  #next(): void {
    // An address that has had its turn stands behind the others, and comes again in the same loop while there is room.
    for (const [address, queue] of this.#queues) {
      if (this.#running.full) return
      const [first] = queue
      if (first === undefined || !this.#running.hasRoom(address)) continue
      first.leave()
      if (this.#queues.delete(address)) this.#queues.set(address, queue)
      this.#run(first)
    }
  }

  #remove(waiting: Waiting): void {
    const queue = this.#queues.get(waiting.address)
    queue?.delete(waiting)
    if (queue?.size === 0) this.#queues.delete(waiting.address)
  }

  #run({ socket, address }: Waiting): void {
    const done = this.#running.take(address)
    if (done === undefined || socket.destroyed) {
      done?.()
      return
    }
    const peer = `${address}:${socket.remotePort}`
    const late = setTimeout(() => socket.destroy(), this.#limits.handshakeMs)
    late.unref()
    const end = () => {
      clearTimeout(late)
      socket.off('close', end)
      this.#begun.delete(socket)
      if (this.#ends.get(peer) === end) this.#ends.delete(peer)
      done()
      this.#soon()
    }
    this.#ends.set(peer, end)
    this.#begun.add(socket)
    socket.on('close', end)
    this.#begin(socket)
  }

  /** In the next turn of the event loop, so that what else there is to do has its turn between handshakes. */
  #soon(): void {
    setImmediate(() => this.#next())
  }
}
