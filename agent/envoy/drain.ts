import { describeError, type Log } from '../../common/log.js'
import { delay } from '../../common/tasks.js'
import type { Activity, EnvoyAdmin } from './admin.js'

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
export async function drainEnvoy(
  admin: EnvoyAdmin,
  { drainTime, interval = 100 }: DrainLimits,
  log: Log,
  signal: AbortSignal,
): Promise<DrainResult> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(drainTime)])
  try {
    await admin.healthcheckFail(deadline)
    await admin.drainListeners(deadline)
    while (!deadline.aborted) {
      if (isIdle(await admin.activity(INBOUND_STAT_PREFIX, deadline))) return 'drained'
      await delay(interval, deadline)
    }
  } catch (error) {
    if (!deadline.aborted) {
      log.warn('Envoy could not be drained', { error: describeError(error) })
      return 'gone'
    }
  }
  log.warn('Envoy still had requests in flight when its drain time was up', { drainTime })
  return 'timed out'
}

function isIdle({ connections, requests, httpConnections }: Activity): boolean {
  return requests === 0 && connections <= httpConnections
}
