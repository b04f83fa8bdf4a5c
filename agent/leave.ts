import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { aborted, delay, type Task } from '../common/tasks.js'

/** How long control planes may take to note the farewell, milliseconds. */
const FAREWELL_MS = 2_000

/** The parts of the agent that end in an order. */
export interface LeaveOrder {
  readonly leaving: Latest<boolean>
  /** Ends when every session has said its farewell. */
  readonly sessions: Task
  /** Drains and ends Envoy when its signal aborts while the host leaves; else lets go of it. */
  readonly envoy: Task
  readonly log: Log
}

/** Why an agent ends that was not told to: it is not the host that leaves, and the next agent takes over its Envoy. */
export class PartFailed extends Error {
  override readonly name = 'PartFailed'

  constructor() {
    super('a part of the agent has failed')
  }
}

/**
 * Runs sessions and Envoy until the signal aborts, and then lets the host leave without hurting a request: first the
 * control planes hear it, so that callers turn elsewhere; then Envoy drains and ends. Everything else of the agent has
 * to live until this task has ended. Where the signal aborts with {@link PartFailed}, the sessions end without a farewell
 * and Envoy is not told to drain: traffic must not stop because the agent does.
 */
export function leaveInOrder({ leaving, sessions, envoy, log }: LeaveOrder): Task {
  return async (signal) => {
    const endSessions = new AbortController()
    const endEnvoy = new AbortController()
    const sessionsEnded = sessions(endSessions.signal)
    const envoyEnded = envoy(endEnvoy.signal)
    try {
      await Promise.race([envoyEnded, sessionsEnded, aborted(signal)])
      if (signal.reason instanceof PartFailed) {
        log.error('a part of the agent has failed; it ends, and leaves Envoy running for the next agent')
        return
      }
      log.info('the host leaves the mesh')
      leaving.set(true)
      await Promise.race([sessionsEnded, delay(FAREWELL_MS, endSessions.signal)])
      endEnvoy.abort()
      await envoyEnded
    } finally {
      endEnvoy.abort()
      endSessions.abort()
      await Promise.allSettled([envoyEnded, sessionsEnded])
    }
  }
}
