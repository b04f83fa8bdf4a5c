import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** What a process has used since it was asked last. */
export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
  readonly heapMb: number
  /** The longest time for which its event loop did not turn, milliseconds. */
  readonly blockedMs: number
}

/** Measures what this process uses, from one asking to the next. */
export class UsageMeter {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #cpu = process.cpuUsage()

  constructor() {
    this.#delays.enable()
  }

  read(): Usage {
    const { user, system } = process.cpuUsage(this.#cpu)
    const { rss, heapUsed } = process.memoryUsage()
    const blockedMs = Math.max(0, this.#delays.max / 1e6 - RESOLUTION_MS)
    this.#delays.reset()
    this.#cpu = process.cpuUsage()
    return { cpuMs: (user + system) / 1000, rssMb: rss / 2 ** 20, heapMb: heapUsed / 2 ** 20, blockedMs }
  }
}

/** The histogram tells times between two looks, so this is part of each. */
const RESOLUTION_MS = 5
