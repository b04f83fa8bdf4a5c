import { isDeepStrictEqual } from 'node:util'
import { Latest, nextChange } from '../common/latest.js'
import type { Task } from '../common/tasks.js'
import type { Reports } from './control-plane/session.js'
import type { HostState } from './host-state.js'
import type { Credentials } from './identity/certificates.js'
import { buildProblemsReport } from './problems-report.js'
import type { RelayStatus } from './relay/relay.js'
import { buildEnvoyReport, buildHostReport, buildServicesReport } from './reports.js'
import type { AgentSettings } from './settings-schema.js'

/** Everything that reports are made from. */
export interface ReportSources extends Omit<HostState, 'allowed'> {
  readonly settings: AgentSettings
  readonly relay: Latest<RelayStatus>
  readonly credentials: Latest<Credentials>
}

/** What the agent would tell control planes now. */
function buildReports(sources: ReportSources): Reports {
  const { settings, facts, services, problems, healths, envoy, relay, credentials, leaving, followed } = sources
  return {
    host: buildHostReport(settings, facts.value),
    services: buildServicesReport(services.value, {
      leaving: leaving.value,
      exposed: facts.value.exposed,
      checks: healths.value,
      envoy: envoy.value.state,
      credentials: credentials.value,
    }),
    envoy: buildEnvoyReport(envoy.value, relay.value, credentials.value, followed.value),
    problems: buildProblemsReport(problems.value),
    leaving: leaving.value,
  }
}

/** Reports with what they are made from. */
export interface Reporting {
  readonly sources: ReportSources
  readonly reports: Latest<Reports>
}

/** The reports of an agent as they are now; {@link reportChanges} keeps them so. */
export function reportsOf(sources: ReportSources): Reporting {
  return { sources, reports: new Latest(buildReports(sources)) }
}

/**
 * Keeps the reports up to date: a part that says nothing new stays the same object, so that it is not sent again.
 * Changes of one turn of the event loop are one report.
 */
export function reportChanges({ sources, reports }: Reporting): Task {
  const { settings: _, ...watched } = sources
  return async (signal) => {
    while (!signal.aborted) {
      const changed = nextChange(Object.values(watched), signal)
      const before = reports.value
      const next = buildReports(sources)
      const merged: Reports = {
        host: newer(before.host, next.host),
        services: newer(before.services, next.services),
        envoy: newer(before.envoy, next.envoy),
        problems: newer(before.problems, next.problems),
        leaving: next.leaving,
      }
      const parts = Object.keys(merged) as readonly (keyof Reports)[]
      if (parts.some((part) => merged[part] !== before[part])) reports.set(merged)
      await changed
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/** The object of before where the other says the same. */
function newer<T>(before: T, next: T): T {
  return isDeepStrictEqual(before, next) ? before : next
}
