import { createSocket } from 'node:dgram'

/** Addresses that are never sent to: they only make the kernel choose the source address of the default route. */
const ANY_REMOTE = [
  { type: 'udp4', address: '192.0.2.1', port: 9 },
  { type: 'udp6', address: '2001:db8::1', port: 9 },
] as const

/**
 * The address of this host's default route, as other hosts would see it; undefined where there is no route. IPv4 where the
 * host has both.
 */
export async function ownAddress(): Promise<string | undefined> {
  for (const remote of ANY_REMOTE) {
    const address = await sourceAddress(remote)
    if (address !== undefined) return address
  }
  return undefined
}

function sourceAddress({ type, address, port }: (typeof ANY_REMOTE)[number]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(type)
    const answer = (own: string | undefined) => {
      socket.close()
      resolve(own)
    }
    socket.once('error', () => answer(undefined))
    // A callback of connect would be called for the error too.
    socket.once('connect', () => answer(socket.address().address))
    socket.connect(port, address)
  })
}
