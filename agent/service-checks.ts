import { isDeepStrictEqual } from 'node:util'
import { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import type { Task } from '../common/tasks.js'
import { runCheck, type ServiceHealth, START_SPREAD } from './checks/run-check.js'
import type { Environment } from './envoy/environment.js'
import { checkOf, instanceKey, type ServiceFile } from './service-file.js'

/** The newest result of each instance's check, by its key; one without a result yet is missing. */
export type ServiceHealths = ReadonlyMap<string, ServiceHealth | undefined>

type WantedCheck = ReturnType<typeof checkOf>

interface RunningCheck {
  readonly wanted: WantedCheck
  readonly stop: () => void
}

/**
 * Runs the checks of all services of the host, and follows their files: a new service is checked at once, one whose
 * port or check changed is checked anew, one that is gone is forgotten. A change of anything else keeps the health: a new
 * label must not take a service out of load balancing.
 *
 * @param address where the applications of this host listen
 * @param environment that of the agent
 */
export function runServiceChecks(
  services: Latest<readonly ServiceFile[]>,
  address: string,
  healths: Latest<ServiceHealths>,
  environment: Environment,
  log: Log,
): Task {
  return async (signal) => {
    const running = new Map<string, RunningCheck>()
    let spread = START_SPREAD
    for await (const files of services.values(signal)) {
      const wanted = new Map(files.map((file) => [instanceKey(file), checkOf(file, environment)]))
      for (const [service, check] of running) {
        if (isDeepStrictEqual(wanted.get(service), check.wanted)) continue
        check.stop()
        running.delete(service)
        healths.set(without(healths.value, service))
      }
      for (const [service, check] of wanted) {
        if (running.has(service)) continue
        running.set(service, {
          wanted: check,
          stop: startCheck(service, check, { address, healths, log, spread }, signal),
        })
      }
      // Only an agent that starts has many first probes at once.
      if (files.length > 0) spread = 0
    }
    for (const { stop } of running.values()) stop()
  }
}

interface CheckContext {
  readonly address: string
  readonly healths: Latest<ServiceHealths>
  readonly log: Log
  readonly spread: number
}

function startCheck(
  service: string,
  { check, port }: WantedCheck,
  { address, healths, log, spread }: CheckContext,
  signal: AbortSignal,
): () => void {
  const stopped = new AbortController()
  const put = (health: ServiceHealth) => {
    if (!stopped.signal.aborted) healths.set(new Map(healths.value).set(service, health))
  }
  if (check === undefined) put({ health: 'passing', detail: 'not checked: check: none' })
  else {
    const health = new Latest<ServiceHealth | undefined>(undefined)
    health.subscribe(() => health.value !== undefined && put(health.value))
    const run = runCheck({ service, target: { address, port }, check, health, log, spread })
    run(AbortSignal.any([signal, stopped.signal])).catch((error: unknown) => {
      log.error('a check ended', { service, error })
      put({ health: 'critical', detail: 'its check ended with an error' })
    })
  }
  return () => stopped.abort()
}

function without(healths: ServiceHealths, key: string): ServiceHealths {
  const next = new Map(healths)
  next.delete(key)
  return next
}
