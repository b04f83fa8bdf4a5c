import { performance } from 'node:perf_hooks'
import { backoffDelay } from '../../common/backoff.js'
import { describeError, type Log } from '../../common/log.js'
import { delay, type Task } from '../../common/tasks.js'
import { AdminError, type EnvoyAdmin } from './admin.js'
import { drainEnvoy } from './drain.js'
import type { EnvoyLauncher, EnvoyState, EnvoyStatus, ExitInfo, LaunchSpec, RunningEnvoy } from './launcher.js'

/** What keeps one Envoy running. */
export interface SupervisorOptions {
  readonly launcher: EnvoyLauncher
  readonly spec: LaunchSpec
  readonly admin: EnvoyAdmin
  /** Where the state is published. */
  readonly status: EnvoyStatus
  /**
   * What happens to Envoy when the task is aborted, asked then: it is drained and ended, or left running for the next
   * agent.
   */
  readonly whenStopped: () => 'drain' | 'leave'
  readonly log: Log
  /** Milliseconds between SIGTERM and SIGKILL; 5 s unless given. */
  readonly stopGrace?: number
}

/** The clocks and the dice of the supervisor. */
export interface SupervisorClock {
  /** Milliseconds since 1970, for people. */
  readonly now: () => number
  /** Milliseconds that never jump. */
  readonly monotonic: () => number
  readonly random: () => number
}

/** An Envoy that was ready for so long has shown that it can run: its next crash is a first one again. */
const STABLE = 60_000

const RESTART_BACKOFF = { base: 1000, max: 30_000 }

const SYSTEM_CLOCK: SupervisorClock = {
  now: Date.now,
  monotonic: () => performance.now(),
  random: Math.random,
}

/** What the state of Envoy is before {@link superviseEnvoy} runs. */
export function notStarted(now: number): EnvoyState {
  return { state: 'stopped', since: now, restarts: 0, detail: 'not started yet' }
}

/**
 * Keeps one Envoy running: starts it, says when it is live, and starts it again when it ends by itself, the first time
 * at once and then after pauses that grow to 30 s. It never gives up and never throws for what Envoy does: a host whose
 * Envoy cannot start shows that in its state, with Envoy's reason.
 */
export function superviseEnvoy(options: SupervisorOptions, clock: SupervisorClock = SYSTEM_CLOCK): Task {
  return async (signal) => {
    let restarts = 0
    let failures = 0
    while (!signal.aborted) {
      const run = await runOnce(options, restarts, clock, signal)
      if (run === undefined) break
      restarts++
      failures = run.readyFor >= STABLE ? 1 : failures + 1
      const pause = restartPause(failures, clock.random)
      reportCrash(options, run.detail, { restarts, failures, pause }, clock)
      await delay(pause, signal)
    }
    publish(options, clock, { state: 'stopped', restarts, detail: 'the agent stops' })
  }
}

/** Milliseconds before the restart after this many failures in a row. */
export function restartPause(failures: number, random: () => number): number {
  return failures <= 1 ? 0 : backoffDelay(failures - 1, RESTART_BACKOFF, random)
}

interface Crash {
  readonly detail: string
  /** Milliseconds for which it had been ready. */
  readonly readyFor: number
}

/** One life of an Envoy, to its crash or, where the signal aborts (undefined), to its orderly end. */
async function runOnce(
  options: SupervisorOptions,
  restarts: number,
  clock: SupervisorClock,
  signal: AbortSignal,
): Promise<Crash | undefined> {
  publish(options, clock, { state: 'starting', restarts, detail: 'starting' })
  let envoy: RunningEnvoy
  try {
    envoy = await options.launcher.launch(options.spec, signal)
  } catch (error) {
    return signal.aborted ? undefined : { detail: `cannot be started: ${describeError(error)}`, readyFor: 0 }
  }
  return watch(envoy, options, restarts, clock, signal)
}

async function watch(
  envoy: RunningEnvoy,
  options: SupervisorOptions,
  restarts: number,
  clock: SupervisorClock,
  signal: AbortSignal,
): Promise<Crash | undefined> {
  const over = new AbortController()
  void envoy.exited.then(() => over.abort())
  const detail = 'waiting for its first configuration'
  const { pid, adopted } = envoy
  publish(options, clock, { state: 'starting', restarts, pid, adopted, detail })
  let readySince: number | undefined
  const readiness = untilReady(options.admin, AbortSignal.any([signal, over.signal])).then((ready) => {
    if (!ready) return
    readySince = clock.monotonic()
    options.log.info('Envoy is ready', { pid, restarts, adopted })
    publish(options, clock, { state: 'ready', restarts, pid, adopted, detail: 'live' })
  })
  const [ended] = await Promise.all([exitOrAbort(envoy.exited, signal), readiness])
  if (ended === undefined) {
    await end(envoy, options, over.signal)
    return undefined
  }
  return { detail: ended.detail, readyFor: readySince === undefined ? 0 : clock.monotonic() - readySince }
}

/** Asks until Envoy is live, often at first: a start takes about 100 ms. False where the signal came first. */
async function untilReady(admin: EnvoyAdmin, signal: AbortSignal): Promise<boolean> {
  for (let asked = 0; !signal.aborted; asked++) {
    try {
      if (await admin.ready(signal)) return !signal.aborted
    } catch (error) {
      if (!(error instanceof AdminError)) throw error // no answer yet: its socket is not there
    }
    await delay(asked < 100 ? 50 : 500, signal)
  }
  return false
}

async function end(envoy: RunningEnvoy, options: SupervisorOptions, exited: AbortSignal): Promise<void> {
  const { admin, spec, log, stopGrace = 5000 } = options
  if (options.whenStopped() === 'leave') {
    envoy.release()
    return
  }
  options.status.set({ ...options.status.value, detail: 'draining: ends when nothing is in flight' })
  const result = await drainEnvoy(admin, { drainTime: spec.drainTime }, log, exited)
  await envoy.stop(stopGrace)
  log.info('Envoy has been stopped', { result })
}

function reportCrash(
  options: SupervisorOptions,
  reason: string,
  { restarts, failures, pause }: { readonly restarts: number; readonly failures: number; readonly pause: number },
  clock: SupervisorClock,
): void {
  const facts = { reason, restarts, failures, pause }
  if (failures < 3) options.log.warn('Envoy ended by itself', facts)
  else options.log.error('Envoy keeps ending by itself', facts)
  const detail = `${reason}; starts again in ${(pause / 1000).toFixed(1)} s (failure ${failures} in a row)`
  publish(options, clock, { state: 'crashed', restarts, detail })
}

function publish({ status }: SupervisorOptions, clock: SupervisorClock, state: Omit<EnvoyState, 'since'>): void {
  const since = status.value.state === state.state ? status.value.since : clock.now()
  status.set({ ...state, since })
}

/** How Envoy ended, or undefined when the signal aborts before it does. */
function exitOrAbort(exited: Promise<ExitInfo>, signal: AbortSignal): Promise<ExitInfo | undefined> {
  return new Promise((resolve) => {
    const stop = () => resolve(undefined)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    void exited.then((info) => {
      signal.removeEventListener('abort', stop)
      resolve(info)
    })
  })
}
