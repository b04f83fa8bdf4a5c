/**
 * The newest value of something, and a way to wait for a newer one. Between two stages of the control plane there is
 * one of these and no queue: a slow reader skips values, it never lags behind by more than the one it works on.
 */
export class Latest<T> {
  #value: T | undefined
  /** Makes the value when it is asked for; absent: it is there. */
  #make: (() => T) | undefined
  #revision = 0
  readonly #listeners = new Set<() => void>()

  constructor(initial: T) {
    this.#value = initial
  }

  get value(): T {
    if (this.#make !== undefined) this.#value = this.#make()
    this.#make = undefined
    return this.#value as T
  }

  /** Counts the changes so far. */
  get revision(): number {
    return this.#revision
  }

  /** Replaces the value and wakes all who wait. Listeners run in the same turn and must not throw. */
  set(value: T): void {
    this.#value = value
    this.#make = undefined
    this.#tell()
  }

  /**
   * The same for a value that takes time to make: it is made when somebody asks for it, so that of many in a row only
   * those that are looked at cost anything.
   */
  setLater(make: () => T): void {
    this.#make = make
    this.#tell()
  }

  #tell(): void {
    this.#revision++
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` after each change until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Yields the present value and then the newest one after each change, until `signal` aborts. */
  async *values(signal: AbortSignal): AsyncGenerator<T> {
    let seen = -1
    while (!signal.aborted) {
      if (seen === this.#revision) await this.#changed(signal)
      if (signal.aborted) return
      seen = this.#revision
      yield this.value
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        unsubscribe()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const unsubscribe = this.subscribe(done)
      signal.addEventListener('abort', done)
    })
  }
}

/**
 * Calls `listener` once for all changes of one turn of the event loop, in the next: for work that would be too much for
 * each of them.
 */
export function subscribeByTurns(latest: Latest<unknown>, listener: () => void): () => void {
  let due = false
  return latest.subscribe(() => {
    if (due) return
    due = true
    setImmediate(() => {
      due = false
      listener()
    })
  })
}

/** Resolves with the first value, now or later, for which `accept` holds. @throws the signal's reason when it aborts. */
export async function waitFor<T>(latest: Latest<T>, accept: (value: T) => boolean, signal: AbortSignal): Promise<T> {
  for await (const value of latest.values(signal)) {
    if (accept(value)) return value
  }
  throw signal.reason
}

/** Resolves with the next change of any of these values, or when the signal aborts. */
export function nextChange(sources: readonly Latest<unknown>[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribes: (() => void)[] = []
    const wake = () => {
      for (const unsubscribe of unsubscribes) unsubscribe()
      signal.removeEventListener('abort', wake)
      resolve()
    }
    unsubscribes.push(...sources.map((source) => source.subscribe(wake)))
    signal.addEventListener('abort', wake)
    if (signal.aborted) wake()
  })
}
