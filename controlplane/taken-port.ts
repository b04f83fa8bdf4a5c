import { once } from 'node:events'
import { createServer } from 'node:net'
import type { SocketAddress } from '../common/socket-address.js'

/**
 * Listens at each address for a moment, so that a control plane that cannot have its ports ends before it has issued or
 * written anything.
 *
 * @throws EADDRINUSE and its like
 */
export async function refuseTakenPorts(addresses: readonly SocketAddress[]): Promise<void> {
  for (const { address, port } of addresses) {
    const server = createServer((socket) => socket.destroy())
    await once(server.listen(port, address), 'listening')
    server.close()
    await once(server, 'close')
  }
}
