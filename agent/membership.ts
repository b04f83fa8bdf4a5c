import type { Log } from '../common/log.js'
import type { Notifier } from '../common/notify.js'
import { delay } from '../common/tasks.js'
import type { IdentityStore, Membership } from './identity/store.js'

/** How often an agent that has not joined looks whether it has, milliseconds. */
const LOOK_MS = 1_000

const HOW_TO_JOIN =
  'not joined: run "mesh token create --host NAME" on a control plane and "mesh join --token-file F" here'

/** Waits until this host has joined a mesh; undefined when the signal aborts first. */
export async function waitForMembership(
  store: IdentityStore,
  notifier: Notifier,
  log: Log,
  signal: AbortSignal,
): Promise<Membership | undefined> {
  for (let looked = 0; !signal.aborted; looked++) {
    const membership = await store.readMembership()
    if (membership !== undefined) return membership
    if (looked === 0) {
      log.warn(HOW_TO_JOIN)
      notifier.ready(HOW_TO_JOIN)
    }
    await delay(LOOK_MS, signal)
  }
  return undefined
}
