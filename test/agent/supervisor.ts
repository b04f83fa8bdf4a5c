import type { TestContext } from 'node:test'
import { createEnvoyAdmin } from '../../agent/envoy/admin.js'
import { createChildProcessLauncher } from '../../agent/envoy/child-process.js'
import type { EnvoyState, LaunchSpec } from '../../agent/envoy/launcher.js'
import {
  notStarted,
  type SupervisorClock,
  type SupervisorOptions,
  superviseEnvoy,
} from '../../agent/envoy/supervise.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { atEnd } from '../lab/at-end.js'

/** A supervisor that runs until the test ends. */
export interface TestSupervisor {
  readonly status: Latest<EnvoyState>
  /** Every state so far, oldest first. */
  readonly seen: readonly EnvoyState[]
  /** Resolves with the first state, now or later, for which this holds; fails after 15 s. */
  until(accept: (state: EnvoyState) => boolean): Promise<EnvoyState>
  /** Aborts the task and waits for its end. */
  stop(): Promise<void>
}

/** Supervises an Envoy (a stand-in or a real one) with a real child process launcher. */
export function startSupervisor(
  t: Pick<TestContext, 'after'>,
  spec: LaunchSpec,
  options: Partial<SupervisorOptions> = {},
  clock: Partial<SupervisorClock> = {},
): TestSupervisor {
  const status = new Latest(notStarted(Date.now()))
  const seen: EnvoyState[] = []
  status.subscribe(() => seen.push(status.value))
  const launcher = createChildProcessLauncher(process.env, silentLog)
  const admin = createEnvoyAdmin(spec.adminSocket)
  const all: SupervisorOptions = {
    launcher,
    spec,
    admin,
    status,
    whenStopped: () => 'drain',
    log: silentLog,
    ...options,
  }
  const controller = new AbortController()
  const whole = { now: Date.now, monotonic: () => performance.now(), random: () => 0, ...clock }
  const ended = superviseEnvoy(all, whole)(controller.signal)
  const stop = async () => {
    controller.abort()
    await ended
  }
  atEnd(t, stop)
  return { status, seen, stop, until: (accept) => waitFor(status, accept, AbortSignal.timeout(15_000)) }
}
