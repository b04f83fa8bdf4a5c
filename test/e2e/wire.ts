import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { SocketAddress } from '../../common/socket-address.js'

/** Which way nothing comes through any more. */
export type Cut = 'to-server' | 'to-client'

/**
 * A wire between an agent and a control plane that can be cut in one direction: what is sent that way is swallowed, and
 * nobody is told, as by a firewall that drops packets. The other direction goes on.
 */
export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cut: Cut | undefined

  private constructor(target: SocketAddress) {
    this.#server = createServer((client) => this.#join(client, connect(target.port, target.address)))
  }

  /** Listens at `from` and leads to `target`. */
  static async lay(from: SocketAddress, target: SocketAddress): Promise<Wire> {
    const wire = new Wire(target)
    wire.#server.listen(from.port, from.address)
    await once(wire.#server, 'listening')
    return wire
  }

  cut(direction: Cut): void {
    this.#cut = direction
  }

  /** Lets new connections through; those that lost something are ended. */
  mend(): void {
    this.#cut = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  async end(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #join(client: Socket, server: Socket): void {
    this.#carry(client, server, 'to-server')
    this.#carry(server, client, 'to-client')
  }

  #carry(from: Socket, to: Socket, direction: Cut): void {
    this.#sockets.add(from)
    from.on('data', (chunk) => this.#cut !== direction && to.write(chunk))
    from.on('error', () => from.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      // The end of a connection does not come through a cut wire either.
      if (this.#cut !== direction) to.destroy()
    })
  }
}
