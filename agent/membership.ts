import type { Log } from '../common/log.js'
import type { Notifier } from '../common/notify.js'
import { delay } from '../common/tasks.js'
import type { IdentityStore, Membership } from './identity/store.js'

/** How often an agent that has not joined looks whether it has, milliseconds. */
const LOOK_MS = 1_000

/** What a person has to do. */
function howToJoin(host = 'NAME'): string {
  return `not joined: run "mesh token create --host ${host} --service SERVICE" on a control plane and "mesh join --token-file FILE" here`
}

/**
 * Waits until this host has joined a mesh; undefined when the signal aborts first.
 *
 * @param host its name as the settings give it; absent: the hostname
 */
export async function waitForMembership(
  store: IdentityStore,
  host: string | undefined,
  notifier: Notifier,
  log: Log,
  signal: AbortSignal,
): Promise<Membership | undefined> {
  for (let looked = 0; !signal.aborted; looked++) {
    const membership = await store.readMembership()
    if (membership !== undefined) return membership
    if (looked === 0) {
      log.warn(howToJoin(host))
      notifier.ready(howToJoin(host))
    }
    await delay(LOOK_MS, signal)
  }
  return undefined
}
