import { describeError, type Log } from '../../common/log.js'
import { delay } from '../../common/tasks.js'
import { type Activity, AdminError, type EnvoyAdmin } from './admin.js'
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
  await insist(() => admin.healthcheckFail(signal), interval, signal)
  await insist(() => admin.drainListeners(signal), interval, signal)
  while (!isIdle(await insist(() => admin.activity(INBOUND_STAT_PREFIX, signal), interval, signal))) {
    await delay(interval, signal)
    signal.throwIfAborted()
  }
}

/**
 * Asks until there is an answer: a busy Envoy answers late, and to give it up for that would end what it has in flight.
 *
 * @throws AdminError where it refuses, or is not there at all; the signal's reason when it aborts
 */
async function insist<T>(ask: () => Promise<T>, interval: number, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (signal.aborted || !isLate(error)) throw error
    }
    await delay(interval, signal)
  }
}

function isLate(error: unknown): boolean {
  if (!(error instanceof AdminError) || error.status !== undefined) return false
  const { cause } = error
  return !(cause instanceof Error && 'code' in cause && ['ECONNREFUSED', 'ENOENT'].includes(String(cause.code)))
}

function isIdle({ connections, requests, httpConnections }: Activity): boolean {
  return requests === 0 && connections <= httpConnections
}
