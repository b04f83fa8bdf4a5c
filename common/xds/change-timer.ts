import type { XdsObserver } from './observer.js'

/** How a client stands, as far as it matters here. */
export interface ClientState {
  readonly acknowledged: boolean
  readonly refused: readonly unknown[]
}

/**
 * Measures for one stream how long a change takes to reach its client. Changes that come before an earlier one has been
 * acknowledged count with it, from the time of the earliest: what matters is how far the client lags behind.
 */
export class ChangeTimer {
  readonly #observer: XdsObserver | undefined
  #since: number | undefined
  #sent = false

  constructor(observer: XdsObserver | undefined) {
    this.#observer = observer
  }

  /** Something that may concern the client changed at this time, monotonic milliseconds. */
  changed(at: number): void {
    this.#since ??= at
  }

  /** All that can be sent now has been. A change of which nothing is sent to an up-to-date client did not concern it. */
  settled(sent: boolean, { acknowledged, refused }: ClientState, now: number): void {
    if (this.#since === undefined) return
    if (sent && !this.#sent) this.#observer?.delivered('sent', now - this.#since)
    this.#sent ||= sent
    if (acknowledged && this.#sent) this.#observer?.delivered('acknowledged', now - this.#since)
    // When a client that refuses something is in step again says nothing of how fast changes travel.
    if (!acknowledged && refused.length === 0) return
    this.#since = undefined
    this.#sent = false
  }
}
