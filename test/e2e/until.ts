import { delay } from '../../common/tasks.js'

const POLL_MS = 25

/** Waits for a condition, which may throw until it holds. @throws with its last error, or what was waited for */
export async function until(what: string, holds: () => unknown, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  const never = new AbortController().signal
  for (;;) {
    let cause: unknown
    try {
      if (await holds()) return
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`, { cause })
    await delay(POLL_MS, never)
  }
}
