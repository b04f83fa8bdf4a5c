import type { Latest } from '../common/latest.js'
import { delay } from '../common/tasks.js'
import type { EnvoyState } from './envoy/launcher.js'
import type { HostFacts } from './reports.js'
import type { ServiceHealths } from './service-checks.js'
import { instanceKey, type ServiceFile } from './service-file.js'

/** Longest wait before a host reports what it knows by then, milliseconds. */
const LONGEST_MS = 3_000

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
 * Waits until an agent that starts knows its services, their health, its ports and its Envoy, at most 3 s. A report made
 * before would tell control planes of a host without healthy services, and an agent that restarts beside a running
 * Envoy would take them out of load balancing.
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
  await delay(LONGEST_MS, signal, settled.signal)
  for (const unsubscribe of unsubscribes) unsubscribe()
}

function isSettled({ services, healths, facts, envoy, whole }: SettlingParts): boolean {
  const read = services.revision > 0
  const checked = services.value.every((one) => healths.value.get(instanceKey(one)) !== undefined)
  const { occupiedPorts } = facts.value
  const ports = services.value.every((one) => one.ports.every(({ port }) => occupiedPorts.includes(port)))
  return read && checked && ports && (!whole.value || envoy.value.state === 'ready')
}
