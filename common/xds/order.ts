import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from './types.js'

/** What a type is to the order of sending. A `leaf` refers to nothing else: secrets, and every type not known here. */
export type Kind = 'leaf' | 'endpoint' | 'cluster' | 'route' | 'listener'

/**
 * What is to be told about a name: that it is (`upsert`), that it is no more (`remove`), or, to a client that asked for
 * it and has nothing of it, that it is not (`answer`).
 */
export type Change = 'upsert' | 'answer' | 'remove'

/**
 * What a step waits for in another kind.
 *
 * - `added`: what is new to a client that subscribes to everything has been sent
 * - `sent`: nothing is left to send
 * - `upserted`: the upserts have been sent and answered (ACK or refusal)
 * - `answered`: all changes have been sent and answered
 * - `warm`: the endpoints that followed a cluster have been answered
 */
export interface Wait {
  readonly kind: Kind
  readonly until: 'added' | 'sent' | 'upserted' | 'answered' | 'warm'
}

/** One row of a push order: which changes may go, and what goes before them. */
export interface PushStep {
  readonly kind: Kind
  /** Changes that travel in one response. */
  readonly changes: readonly Change[]
  /** Only for clients that subscribe to everything of this kind. */
  readonly only?: 'wildcard'
  readonly after?: readonly Wait[]
  /** Milliseconds after which the step no longer waits. */
  readonly patience?: number
  /** Endpoints of the same names, where the client subscribes to them by name, are sent again, changed or not. */
  readonly resend?: 'endpoint'
}

const UPSERT = ['upsert', 'answer'] as const
const PATIENCE = 5_000

/**
 * The order in which changes are sent on one stream. Before each response the rows are read from the top; the first
 * that has something to send, is not waiting, and whose type has no response in flight, goes. So a row without `after`
 * never waits for another type.
 *
 * Two kinds of client are served by it. *Envoy* asks for all clusters and listeners, and for endpoints, routes and
 * secrets by name, as soon as it has what names them; until then they need not be sent. It takes a change to a cluster
 * as a new cluster that has to warm: it asks for no endpoints, because it has subscribed to them already, but waits for
 * a response that carries them. So they follow at once, equal version or not; otherwise the change takes effect only
 * when Envoy's fetch timeout ends, after 15 s. Nothing waits for the ACK of a cluster before that, because Envoy pauses
 * its cluster requests, ACKs too, until all clusters are warm; which makes that ACK the sign to change the routes and
 * listeners.
 *
 * A *relay* asks for everything of every kind and stores it, for an Envoy that may ask at any moment. Its store must
 * refer to nothing that it does not have, so new leaves and endpoints go before the clusters, clusters before routes,
 * and routes before the listeners that need them. Envoy does not mind that order: routes that it has asked for belong
 * to listeners that it has.
 *
 * Removals go last, in the opposite direction, when what could refer to the removed has been replaced. Listeners are
 * the exception: they come and go in one response, because Envoy closes the removed ones first, so that a new one can
 * have the same address.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
 */
export const PUSH_ORDER: readonly PushStep[] = [
  { kind: 'leaf', changes: UPSERT },
  { kind: 'endpoint', changes: UPSERT, only: 'wildcard' },
  {
    kind: 'cluster',
    changes: UPSERT,
    after: [
      { kind: 'leaf', until: 'added' },
      { kind: 'endpoint', until: 'added' },
    ],
    patience: PATIENCE,
    resend: 'endpoint',
  },
  { kind: 'endpoint', changes: UPSERT },
  {
    kind: 'route',
    changes: UPSERT,
    after: [
      { kind: 'cluster', until: 'upserted' },
      { kind: 'endpoint', until: 'warm' },
    ],
    patience: PATIENCE,
  },
  {
    kind: 'listener',
    changes: ['upsert', 'answer', 'remove'],
    after: [
      { kind: 'cluster', until: 'upserted' },
      { kind: 'endpoint', until: 'warm' },
      { kind: 'leaf', until: 'added' },
      { kind: 'route', until: 'added' },
    ],
    patience: PATIENCE,
  },
  { kind: 'route', changes: ['remove'], after: [{ kind: 'listener', until: 'answered' }], patience: 2 * PATIENCE },
  {
    kind: 'cluster',
    changes: ['remove'],
    after: [
      { kind: 'listener', until: 'answered' },
      { kind: 'route', until: 'answered' },
    ],
    patience: 2 * PATIENCE,
  },
  { kind: 'endpoint', changes: ['remove'], after: [{ kind: 'cluster', until: 'sent' }], patience: 2 * PATIENCE },
  {
    kind: 'leaf',
    changes: ['remove'],
    after: [
      { kind: 'cluster', until: 'sent' },
      { kind: 'listener', until: 'answered' },
    ],
    patience: 2 * PATIENCE,
  },
]

/** The kind of a type, by its URL. */
export function kindOf(type: string): Kind {
  return KINDS.get(type) ?? 'leaf'
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [ENDPOINT, 'endpoint'],
  [CLUSTER, 'cluster'],
  [ROUTE, 'route'],
  [LISTENER, 'listener'],
])

/** Types in the order in which a client that stores everything subscribes to them: what is referred to first. */
export function referredFirst(types: readonly string[]): readonly string[] {
  const rank = (type: string) => ['leaf', 'endpoint', 'cluster', 'route', 'listener'].indexOf(kindOf(type))
  return types.toSorted((a, b) => rank(a) - rank(b))
}
