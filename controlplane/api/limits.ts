/** How many of something there may be at once, in all and from one address. */
export interface Bound {
  readonly total: number
  readonly perAddress: number
}

/** What the API's port lets strangers take, so that one of them cannot keep hosts out. */
export interface ConnectionLimits {
  /** TLS handshakes at once. Each costs about a millisecond of the event loop; the others wait. */
  readonly handshakes: Bound
  /** Connections that wait for their handshake; what is beyond is closed. */
  readonly waiting: Bound
  /** How long a connection may wait for its handshake, milliseconds. */
  readonly patienceMs: number
  /** How long a handshake may take, milliseconds. */
  readonly handshakeMs: number
  /** Connections without a client certificate: hosts that enrol. */
  readonly anonymous: Bound
  /** Connections of refused hosts that are told why, for two seconds each. */
  readonly dismissed: Bound
  /** Calls of one connection that the authorization table refuses; with the last one it is closed. */
  readonly refusedCalls: number
  /** Calls of one connection in a minute; with the next one it is closed. An agent makes about two. */
  readonly callsPerMinute: number
}

/**
 * A fleet of 10,000 hosts behind one address is let in within these; of what one address can take at most half is gone.
 */
export const CONNECTION_LIMITS: ConnectionLimits = {
  handshakes: { total: 32, perAddress: 16 },
  waiting: { total: 16_384, perAddress: 12_288 },
  patienceMs: 30_000,
  handshakeMs: 10_000,
  anonymous: { total: 1_024, perAddress: 128 },
  dismissed: { total: 256, perAddress: 16 },
  refusedCalls: 20,
  callsPerMinute: 1_000,
}
