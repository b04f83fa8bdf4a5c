/**
 * What every service has that no document can change yet. Envoy is given these values, and `mesh describe` tells them,
 * both from here. Names are those of the keys that documents will have.
 */

/** The limits of one caller's Envoy towards one port of a service. */
export const CONNECTIONS = {
  max: 1024,
  pendingRequests: 1024,
  requests: 1024,
  /** Tries after the first, as a share of the requests that are open; so many may be open in any case. */
  retryBudget: { percent: 20, minimum: 3 },
  /** Bytes that are buffered for one connection before its sender is slowed down. */
  bufferBytes: 1024 * 1024,
} as const

/** Requests at once on one connection between Envoys: as many as a caller may send to a service at all. */
export const MAX_STREAMS = CONNECTIONS.requests

/**
 * Takes an instance out that answers five times in a row with 5xx. At most a tenth, but one in any case: a tenth of fewer
 * than ten instances would be none. The first ejection is short, because most instances that fail come back at once, as
 * after a restart; each further one is so much longer.
 */
export const OUTLIER = {
  consecutive5xx: 5,
  intervalMs: 1_000,
  ejectionMs: 3_000,
  maxEjectionMs: 30_000,
  /** Percent. */
  maxEjected: 10,
} as const

/** Percent of healthy instances below which unhealthy ones would be called too: never. */
export const PANIC_THRESHOLD = 0

/** Idle connections between Envoys, milliseconds: shorter than the inbound side keeps them, which is an hour. */
export const IDLE_MS = 3_300_000

/**
 * Idle connections to applications, milliseconds: shorter than any usual server keeps them open (Node: 5 s), or requests
 * would meet a close.
 */
export const APPLICATION_IDLE_MS = 3_000

/** A connection of a tcp port on which nothing moves for so long ends, milliseconds. */
export const TCP_IDLE_MS = 3_600_000

/** A request on which nothing moves for so long ends, milliseconds; it also bounds the wait for the first byte. */
export const STREAM_IDLE_MS = 300_000

/** How many instances are tried for a tcp connection: as many as for a request. */
export const TCP_ATTEMPTS = 3

/** How often another instance is looked for before one that failed is tried again. */
export const HOST_ATTEMPTS = 5
