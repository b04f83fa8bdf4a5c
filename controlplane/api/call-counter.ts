import type { Connection } from './tls-server.js'

/** Counts calls by connection, and closes one that makes too many in a span of time. */
export class CallCounter {
  readonly #most: number
  readonly #spanMs: number
  readonly #counts = new WeakMap<Connection, { since: number; count: number }>()

  /** @param spanMs milliseconds after whose end counting begins anew; infinite: the connection's whole life */
  constructor(most: number, spanMs: number) {
    this.#most = most
    this.#spanMs = spanMs
  }

  /** Counts one call; with the last one that there may be the connection is closed. */
  count(connection: Connection | undefined): void {
    if (connection === undefined) return
    const now = performance.now()
    const known = this.#counts.get(connection)
    const current = known === undefined || now - known.since > this.#spanMs ? { since: now, count: 0 } : known
    this.#counts.set(connection, current)
    if (++current.count >= this.#most) connection.socket.destroy()
  }
}
