import { randomUUID } from 'node:crypto'
import { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import type { Notifier } from '../common/notify.js'
import { ownAddress } from '../common/own-address.js'
import { delay } from '../common/tasks.js'
import { NO_LISTENERS } from './names/watch-listeners.js'
import type { HostFacts } from './reports.js'

/** How often an agent whose host has no address looks again, milliseconds. */
const LOOK_MS = 1_000

const NO_ADDRESS =
  'this host has no default route, so its address is not known: the agent waits for one; or set `address` in agent.yaml'

/**
 * The address at which others reach this host: the one that is set, or else that of the default route, which is waited for:
 * an agent may start before the network of its host is up. Undefined when the signal aborts first.
 */
export async function waitForAddress(
  set: string | undefined,
  notifier: Notifier,
  log: Log,
  signal: AbortSignal,
  find: () => Promise<string | undefined> = ownAddress,
): Promise<string | undefined> {
  for (let looked = 0; !signal.aborted; looked++) {
    const address = set ?? (await find())
    if (address !== undefined) return address
    if (looked === 0) {
      log.warn(NO_ADDRESS)
      notifier.ready(NO_ADDRESS)
    }
    await delay(LOOK_MS, signal)
  }
  return undefined
}

/** What an agent that starts tells of its host beside its settings. */
export function newHostFacts(address: string, envoyVersion: string): Latest<HostFacts> {
  return new Latest<HostFacts>({
    address,
    envoyVersion,
    sessionId: randomUUID(),
    ...NO_LISTENERS,
    caller: undefined,
    namesProblem: undefined,
  })
}
