import { describeError, type Log } from '../../common/log.js'
import { delay } from '../../common/tasks.js'
import type { Activity, EnvoyAdmin } from './admin.js'
import { DeadlineExceeded, withDeadline } from './deadline.js'

/**
 * How the control plane begins the `stat_prefix` of the inbound listeners and of the connection managers in them; by it
 * the agent knows what other hosts have in flight here.
 */
export const INBOUND_STAT_PREFIX = 'inbound'

/** How long and how often to look. */
export interface DrainLimits {
  /** Milliseconds that open requests may take (`envoy.drainTime`, 30 s by default). */
  readonly drainTime: number
  /** Milliseconds between looks; 100 unless given. */
  readonly interval?: number
}

/** How a drain ended: with nothing in flight, with time up, or with an Envoy that cannot be asked. */
export type DrainResult = 'drained' | 'timed out' | 'gone'

/**
 * Takes Envoy out of service before it is stopped: callers are asked to go elsewhere, the inbound listeners close
 * gracefully, and this returns when no inbound request and no inbound tcp connection is left, or when the time is up.
 * Outbound listeners stay, because applications that finish their work may still have to call others. Idle HTTP
 * connections are not waited for: callers keep theirs for an hour and lose nothing with them.
 *
 * The instances of this host should be out of load balancing before.
 */
export function drainEnvoy(
  admin: EnvoyAdmin,
  { drainTime, interval = 100 }: DrainLimits,
  log: Log,
  signal: AbortSignal,
): Promise<DrainResult> {
  return withDeadline(drainTime, signal, async (deadline) => {
    try {
      await untilIdle(admin, interval, deadline)
      return 'drained'
    } catch (error) {
      if (deadline.reason instanceof DeadlineExceeded) {
        log.warn('Envoy still had requests in flight when its drain time was up', { drainTime })
        return 'timed out'
      }
      log.warn('Envoy could not be drained', { error: describeError(error) })
      return 'gone'
    }
  })
}

/** @throws the signal's reason when it aborts before nothing is in flight */
async function untilIdle(admin: EnvoyAdmin, interval: number, signal: AbortSignal): Promise<void> {
  await admin.healthcheckFail(signal)
  await admin.drainListeners(signal)
  while (!isIdle(await admin.activity(INBOUND_STAT_PREFIX, signal))) {
    await delay(interval, signal)
    signal.throwIfAborted()
  }
}

function isIdle({ connections, requests, httpConnections }: Activity): boolean {
  return requests === 0 && connections <= httpConnections
}
