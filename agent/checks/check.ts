import type { CheckThresholds } from './check-state.js'

/** What is asked of an application. */
export type CheckKind =
  /** Whether the port takes connections. */
  | { readonly kind: 'tcp' }
  /** What it answers to `GET path`: 2xx and 3xx pass. */
  | { readonly kind: 'http'; readonly path: string; readonly speaks: 'http1' | 'http2' }
  /** What `grpc.health.v1.Health` says of a gRPC service; empty: of the server as a whole. */
  | { readonly kind: 'grpc'; readonly service: string }
  | ExecCheck

/** A program is run: exit code 0 passes. */
export interface ExecCheck {
  readonly kind: 'exec'
  /** The absolute path of the program, and its arguments. */
  readonly command: readonly string[]
  /** All that the program knows of the environment. */
  readonly environment: Readonly<Record<string, string>>
}

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
