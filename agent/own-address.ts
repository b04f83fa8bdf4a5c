import { createSocket } from 'node:dgram'

/** An address that is never sent to: it only makes the kernel choose the source address of the default route. */
const ANY_REMOTE = { address: '192.0.2.1', port: 9 } as const

/**
 * The address of this host's default route, as other hosts would see it; undefined where there is no route.
 */
export function ownAddress(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const answer = (address: string | undefined) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => answer(undefined))
    socket.connect(ANY_REMOTE.port, ANY_REMOTE.address, () => answer(socket.address().address))
  })
}
