import type { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { delay, type Task } from '../../common/tasks.js'
import type { Check } from './check.js'
import { type CheckState, nextCheckState, nextProbePause } from './check-state.js'
import { createProbe } from './probe.js'

/** Whether a service may get requests, and why, for people. */
export interface ServiceHealth {
  readonly health: 'passing' | 'critical'
  readonly detail: string
}

/** One service to check. */
export interface CheckOptions {
  readonly service: string
  /** Where the application listens: `applicationAddress` and the service's port. */
  readonly target: SocketAddress
  readonly check: Check
  /** Where the health is published; undefined until the first probe has its result. */
  readonly health: Latest<ServiceHealth | undefined>
  readonly log: Log
  /** Milliseconds over which the first probe may come late; absent: it is at once. */
  readonly spread?: number
}

/**
 * The first probes of an agent that starts are spread over so many milliseconds, or over the interval if that is
 * shorter.
 */
export const START_SPREAD = 250

/** How much the pauses vary, so that the checks of a host do not fall in step. */
const JITTER = 0.1

/**
 * Checks one service until the signal aborts. Every change of health, and of the reason why it is critical, is
 * published, no other, so whoever watches is not woken by each probe.
 */
export function runCheck(options: CheckOptions, random: () => number = Math.random): Task {
  return async (signal) => {
    const { check, target } = options
    const probe = createProbe(target, check)
    await delay(random() * Math.min(options.spread ?? 0, check.interval), signal)
    let state: CheckState | undefined
    while (!signal.aborted) {
      const result = await probe(signal)
      if (signal.aborted) return
      state = nextCheckState(state, result, check)
      publish(options, state)
      await delay(nextProbePause(state, check.interval) * (1 + JITTER * (2 * random() - 1)), signal)
    }
  }
}

/**
 * A single failed probe of a service that passes still is no reason for its health, so the old one stays. What the
 * probes of a passing service say is no news either: programs that check print another number each time.
 */
function publish({ service, health, log }: CheckOptions, { health: now, last }: CheckState): void {
  const before = health.value
  const contradicted = last.passed !== (now === 'passing')
  if (before?.health === now && (now === 'passing' || contradicted || before.detail === last.detail)) return
  health.set({ health: now, detail: last.detail })
  if (before?.health === now) return
  const facts = { service, reason: last.detail }
  if (now === 'critical') log.warn('service is critical', facts)
  else log.info('service is passing', facts)
}
