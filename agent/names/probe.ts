import { connect } from 'node:net'
import { addressIn, LARGEST_OFFSET } from '../../common/virtual-address.js'

/** How long a connection on loopback may take, milliseconds. */
const LIMIT_MS = 2_000

/** Whether calls by name reach Envoy, and if not, why. */
export type RedirectState = 'works' | 'no rule' | 'no listener'

/**
 * Tries the way that calls by name take, with no rights at all: it connects to an address of the range that no service
 * ever has. Envoy accepts that (and closes it) only where the rule has sent it there; without the rule nothing listens.
 */
export async function probeRedirect(range: string, port: number): Promise<RedirectState> {
  if (await connects(addressIn(range, LARGEST_OFFSET + 1), port)) return 'works'
  return (await connects('127.0.0.1', port)) ? 'no rule' : 'no listener'
}

function connects(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address)
    const end = (connected: boolean) => {
      socket.destroy()
      resolve(connected)
    }
    socket.setTimeout(LIMIT_MS, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
