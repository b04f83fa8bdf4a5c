import type { CheckThresholds } from './check-state.js'

/** What is asked: whether the port takes connections, or what it answers to `GET path` (2xx and 3xx pass). */
export type CheckKind =
  | { readonly kind: 'tcp' }
  | { readonly kind: 'http'; readonly path: string; readonly speaks: 'http1' | 'http2' }

/** One check of one service, every value chosen. */
export interface Check extends CheckThresholds {
  readonly what: CheckKind
  /** Milliseconds between two probes while nothing changes. */
  readonly interval: number
  /** Milliseconds after which a probe has failed. */
  readonly timeout: number
}

/**
 * The check of a service whose file gives none: its port takes connections. Every 5 s, with a second look half a second
 * after a failure, so that a dead application is out of load balancing within 6 s and one lost probe takes nothing out.
 */
export const DEFAULT_CHECK: Check = {
  what: { kind: 'tcp' },
  interval: 5000,
  timeout: 2000,
  unhealthyAfter: 2,
  healthyAfter: 1,
}
