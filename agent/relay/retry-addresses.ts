import type { Log } from '../../common/log.js'
import { isWildcard, parseSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { delay, type Task } from '../../common/tasks.js'
import { type Listener, onAllAddresses, readListeners } from '../names/listeners.js'
import type { HoldBack } from './hold-back.js'

/** How often addresses that were in use are looked at, milliseconds. */
const PAUSE_MS = 5_000

/**
 * Gives Envoy a listener once more that it refused because a program was on its address, when that program has gone. Nothing
 * else would: the listener is as it was, and what was refused is not sent again until it changes.
 */
export function retryAddresses(upstream: HoldBack, log: Log): Task {
  return async (signal) => {
    for (;;) {
      await delay(PAUSE_MS, signal)
      if (signal.aborted) return
      const refused = upstream.refused.map((one) => ({ one, address: addressInUse(one.error) }))
      if (refused.every(({ address }) => address === undefined)) continue
      const listeners = await present(log)
      if (listeners === undefined) continue
      for (const { one, address } of refused) {
        if (address === undefined || listeners.some((listener) => excludes(listener, address))) continue
        log.info('an address is free again; Envoy is given its listener once more', { listener: one.name, address })
        upstream.retry(one)
      }
    }
  }
}

/** Undefined where they cannot be read, as when no file descriptor is left: the next look tells. */
async function present(log: Log): Promise<readonly Listener[] | undefined> {
  try {
    return await readListeners()
  } catch (error) {
    log.warn('the listeners of this host cannot be read', { error })
    return undefined
  }
}

/** The address that Envoy could not listen on because somebody does, by its words; undefined: it refused something else. */
export function addressInUse(error: string): SocketAddress | undefined {
  return parseSocketAddress(/cannot bind '([^']+)': Address already in use/.exec(error)?.[1] ?? '')
}

/** Whether nothing can listen on an address while this listener is there. */
function excludes(listener: Listener, { address, port }: SocketAddress): boolean {
  if (listener.port !== port) return false
  return listener.address === address || onAllAddresses(listener) || isWildcard(address)
}
