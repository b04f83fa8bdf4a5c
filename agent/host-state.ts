import { Latest } from '../common/latest.js'
import type { Problem } from '../common/problem.js'
import type { EnvoyState } from './envoy/launcher.js'
import { notStarted } from './envoy/supervise.js'
import type { PlacedService } from './inbound-ports.js'
import type { HostFacts } from './reports.js'
import type { ServiceHealths } from './service-checks.js'

/** What the agent knows now. Each value is set by the one part that finds it out, and read by many. */
export interface HostState {
  readonly facts: Latest<HostFacts>
  /** As the service files say; set once their directory has been read. */
  readonly services: Latest<readonly PlacedService[]>
  /** Of the service files, as they are now. */
  readonly problems: Latest<readonly Problem[]>
  readonly healths: Latest<ServiceHealths>
  readonly envoy: Latest<EnvoyState>
  /** Whether the host is about to leave the mesh. */
  readonly leaving: Latest<boolean>
  /** The ID of the control plane that is followed; empty: none. */
  readonly followed: Latest<string>
  /** Services for which that control plane issues certificates to this host. */
  readonly allowed: Latest<readonly string[]>
}

/** The state of an agent that has read the facts of its host and nothing else yet. */
export function newHostState(facts: Latest<HostFacts>): HostState {
  return {
    facts,
    services: new Latest<readonly PlacedService[]>([]),
    problems: new Latest<readonly Problem[]>([]),
    healths: new Latest<ServiceHealths>(new Map()),
    envoy: new Latest(notStarted(Date.now())),
    leaving: new Latest(false),
    followed: new Latest(''),
    allowed: new Latest<readonly string[]>([]),
  }
}
