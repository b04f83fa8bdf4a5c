import type { ServiceFacts } from './report.js'

/** How long hosts that are not heard of are waited for, in milliseconds. */
export interface Graces {
  /** How long the instances of a host whose session is lost stay. */
  readonly lost: number
  /** How long a restarted control plane waits for an agent to report again before it counts as lost. */
  readonly returning: number
}

/** What holds unless the settings say otherwise. */
export const DEFAULT_GRACES: Graces = { lost: 5 * 60_000, returning: 60_000 }

/** What is known of a host's session. Times are wall-clock milliseconds. */
export type Session =
  | { readonly state: 'live'; readonly since: number }
  /** The stream ended without a farewell. */
  | { readonly state: 'lost'; readonly since: number }
  /** Known from the state on disk; the host has not been heard of since this control plane started. */
  | { readonly state: 'unconfirmed'; readonly since: number }

/** A host's session and services, as far as presence needs them. */
export interface PresenceInput {
  readonly host: string
  readonly session: Session
  readonly services: readonly Pick<ServiceFacts, 'service' | 'health'>[]
}

/** Whether a host's instance of a service is there. */
export type Presence = 'live' | 'unknown' | 'gone'

/**
 * Decides for every service of every host whether it counts.
 *
 * A lost host is `unknown` for a grace; after it, an instance goes only where another passing instance of the service
 * has a live session: losing sight of hosts must never empty a service. Returns also when the answer may change by
 * time alone.
 */
export function judgePresence(
  hosts: readonly PresenceInput[],
  now: number,
  graces: Graces = DEFAULT_GRACES,
): { readonly presenceOf: (host: string, service: string) => Presence; readonly nextChange: number | undefined } {
  const healthy = new Set(
    hosts
      .filter(({ session }) => session.state === 'live')
      .flatMap(({ services }) => services.filter(({ health }) => health === 'passing').map(({ service }) => service)),
  )
  const deadlines = new Map(hosts.map(({ host, session }) => [host, deadlineOf(session, graces)]))
  const nextChange = [...deadlines.values()].filter((deadline) => deadline !== undefined && deadline > now)
  return {
    presenceOf(host, service) {
      const deadline = deadlines.get(host)
      if (deadline === undefined) return 'live'
      return now >= deadline && healthy.has(service) ? 'gone' : 'unknown'
    },
    nextChange: nextChange.length === 0 ? undefined : Math.min(...(nextChange as number[])),
  }
}

function deadlineOf(session: Session, graces: Graces): number | undefined {
  if (session.state === 'live') return undefined
  return session.since + (session.state === 'lost' ? graces.lost : graces.returning)
}
