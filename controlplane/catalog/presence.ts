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

/** What is known of all hosts at one moment. */
export interface Judgement {
  /** Whether the host is not heard of. All that others run is live. */
  readonly isLost: (host: string) => boolean
  readonly presenceOf: (host: string, service: string) => Presence
  /** When time alone may change an answer, wall-clock milliseconds; undefined: never. */
  readonly nextChange: number | undefined
}

/** Every host is heard of. */
export const ALL_LIVE: Judgement = { isLost: () => false, presenceOf: () => 'live', nextChange: undefined }

/**
 * Decides for every service of every host whether it counts.
 *
 * A lost host is `unknown` for a grace; after it, an instance goes only where another passing instance of the service
 * stays: losing sight of hosts must never empty a service. That is one whose session has been live for as long as hosts
 * are given to return, since after a long outage they come back one by one, and the first must not get what all carried.
 * After a restart it is also one that was live before, as long as it is waited for: who was gone then stays so.
 */
export function judgePresence(
  hosts: readonly PresenceInput[],
  now: number,
  graces: Graces = DEFAULT_GRACES,
): Judgement {
  const deadlines = new Map(
    hosts.flatMap(({ host, session }) => {
      const deadline = deadlineOf(session, graces)
      return deadline === undefined ? [] : [[host, deadline] as const]
    }),
  )
  let staying: ReadonlySet<string> | undefined
  return {
    isLost: (host) => deadlines.has(host),
    presenceOf(host, service) {
      const deadline = deadlines.get(host)
      if (deadline === undefined) return 'live'
      if (now < deadline) return 'unknown'
      staying ??= stayingServices(hosts, now, graces)
      return staying.has(service) ? 'gone' : 'unknown'
    },
    nextChange: nextChange(hosts, now, graces),
  }
}

function stayingServices(hosts: readonly PresenceInput[], now: number, graces: Graces): ReadonlySet<string> {
  const stayingHosts = hosts.filter(({ session }) => stays(session, now, graces))
  const passing = stayingHosts.flatMap(({ services }) => services.filter(({ health }) => health === 'passing'))
  return new Set(passing.map(({ service }) => service))
}

/** Whether what the host runs can take over from hosts that have been given up. */
function stays(session: Session, now: number, { returning }: Graces): boolean {
  if (session.state === 'lost') return false
  const ends = session.since + returning
  // A session that began after now is one from before the clock was set back.
  return session.state === 'live' ? now >= ends || now < session.since : now < ends
}

function nextChange(hosts: readonly PresenceInput[], now: number, graces: Graces): number | undefined {
  if (hosts.every(({ session }) => session.state === 'live')) return undefined
  const changes = hosts.map(({ session }) => deadlineOf(session, graces) ?? session.since + graces.returning)
  const coming = changes.filter((at) => at > now)
  return coming.length === 0 ? undefined : coming.reduce((a, b) => Math.min(a, b))
}

function deadlineOf(session: Session, graces: Graces): number | undefined {
  if (session.state === 'live') return undefined
  return session.since + (session.state === 'lost' ? graces.lost : graces.returning)
}
