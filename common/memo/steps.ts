/**
 * Work in steps of a few milliseconds at most, after each of which it can be paused. What it returns exists only when all
 * of it is done.
 */
export type Steps<T> = Generator<void, T, void>

/** Does all steps without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** How long the event loop belongs to such work before others get their turn, milliseconds. */
const SLICE_MS = 10

/** Does the steps in slices, between which the event loop gets to whatever else waits. */
export async function inSlices<T>(steps: Steps<T>, sliceMs: number = SLICE_MS): Promise<T> {
  let end = performance.now() + sliceMs
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    if (performance.now() < end) continue
    await new Promise((resolve) => setImmediate(resolve))
    end = performance.now() + sliceMs
  }
}
