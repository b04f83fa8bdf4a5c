/** How many of something there may be at once, in all and of each source: of an address, or of an identity. */
export interface Bound {
  readonly total: number
  readonly each: number
}

/** What the API's port lets callers take, so that none of them can keep hosts out. */
export interface ConnectionLimits {
  /** Connections in all, whatever they are. Each takes a file descriptor, and files need some too. */
  readonly connections: number
  /** TLS handshakes at once, by address. Each costs about a millisecond of the event loop; the others wait. */
  readonly handshakes: Bound
  /** Connections that wait for their handshake, by address; what is beyond is closed. */
  readonly waiting: Bound
  /** How long a connection may wait for its handshake, milliseconds. */
  readonly patienceMs: number
  /** How long a handshake may take, milliseconds. */
  readonly handshakeMs: number
  /** Connections without a client certificate, by address: hosts that enrol. */
  readonly anonymous: Bound
  /** How long such a connection lives, milliseconds. */
  readonly anonymousMs: number
  /** Connections with a certificate of the mesh, by the identity in it. An agent has one, and a second for a moment. */
  readonly identified: Bound
  /** How long such a connection lives, milliseconds, ±10 %: certificates and bans are judged anew at the next one. */
  readonly identifiedMs: number
  /** Connections of refused hosts that are told why, by address, for two seconds each. */
  readonly dismissed: Bound
  /** Calls of one connection that the authorization table refuses; with the last one it is closed. */
  readonly refusedCalls: number
  /** Calls of one connection in a minute, whatever they call; with the last one it is closed. An agent makes about two. */
  readonly callsPerMinute: number
  /** After how long a silent peer is asked whether it is there, and how long it has to answer, milliseconds. */
  readonly keepalive: { readonly afterMs: number; readonly answerMs: number }
}

/**
 * A fleet of 10,000 hosts behind one address is let in within these; of what one address can take at most three quarters
 * are gone. Who waits and who is let in have room beside each other.
 */
export const CONNECTION_LIMITS: ConnectionLimits = {
  connections: 40_000,
  handshakes: { total: 32, each: 16 },
  waiting: { total: 16_384, each: 12_288 },
  patienceMs: 30_000,
  handshakeMs: 10_000,
  anonymous: { total: 1_024, each: 128 },
  anonymousMs: 60_000,
  identified: { total: 20_000, each: 32 },
  identifiedMs: 12 * 3_600_000,
  dismissed: { total: 256, each: 16 },
  refusedCalls: 20,
  callsPerMinute: 1_000,
  keepalive: { afterMs: 15_000, answerMs: 10_000 },
}
