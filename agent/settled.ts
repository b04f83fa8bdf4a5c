import type { Latest } from '../common/latest.js'
import { delay } from '../common/tasks.js'
import type { EnvoyState } from './envoy/launcher.js'
import type { HostFacts } from './reports.js'
import type { ServiceHealths } from './service-checks.js'
import { checkOf, instanceKey, type ServiceFile } from './service-file.js'

/**
 * Longest wait before a host reports what it knows by then, milliseconds: `usual`, and where a check is still running, for
 * as long as that may take and `margin`, but not beyond `checks`.
 */
const LONGEST_MS = { usual: 3_000, margin: 1_000, checks: 30_000 } as const

/** What a report is made of, as far as it takes a moment to find out. */
export interface SettlingParts {
  /** Set once its directory has been read. */
  readonly services: Latest<readonly ServiceFile[]>
  readonly healths: Latest<ServiceHealths>
  readonly facts: Latest<HostFacts>
  readonly envoy: Latest<EnvoyState>
  /** Whether Envoy can come up without a control plane: only then is it waited for. */
  readonly whole: Latest<boolean>
}

/**
 * Waits until an agent that starts knows its services, their health, its ports and its Envoy, at most 3 s, or as long as the
 * slowest check may take. A report made before would tell control planes of a host without healthy services, and an agent
 * that restarts beside a running Envoy would take them out of load balancing.
 */
export async function untilSettled(parts: SettlingParts, signal: AbortSignal): Promise<void> {
  const settled = new AbortController()
  const look = () => {
    if (isSettled(parts)) settled.abort()
  }
  const { services, healths, facts, envoy, whole } = parts
  const watched: readonly Latest<unknown>[] = [services, healths, facts, envoy, whole]
  const unsubscribes = watched.map((one) => one.subscribe(look))
  look()
  await delay(LONGEST_MS.usual, signal, settled.signal)
  await delay(restOfChecks(parts), signal, settled.signal)
  for (const unsubscribe of unsubscribes) unsubscribe()
}

function isSettled({ services, healths, facts, envoy, whole }: SettlingParts): boolean {
  const read = services.revision > 0
  const checked = services.value.every((one) => healths.value.get(instanceKey(one)) !== undefined)
  const { occupiedPorts } = facts.value
  const ports = services.value.every((one) => one.ports.every(({ port }) => occupiedPorts.includes(port)))
  return read && checked && ports && (!whole.value || envoy.value.state === 'ready')
}

/** Milliseconds that the checks without a result may still take, when the usual wait is over. */
function restOfChecks({ services, healths }: SettlingParts): number {
  const timeouts = services.value
    .filter((one) => healths.value.get(instanceKey(one)) === undefined)
    .map((one) => (checkOf(one).check?.timeout ?? 0) + LONGEST_MS.margin)
  return Math.max(0, Math.min(LONGEST_MS.checks, Math.max(0, ...timeouts)) - LONGEST_MS.usual)
}
