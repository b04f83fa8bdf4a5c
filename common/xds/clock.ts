import { performance } from 'node:perf_hooks'

/** The time as the engine needs it, so that tests can give their own. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Calls back once after that many milliseconds, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void
}

/** The machine's own clock; its timers do not keep a process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
