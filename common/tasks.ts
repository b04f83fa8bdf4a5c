import { setMaxListeners } from 'node:events'

/** The longest time that timers of Node take, milliseconds: 25 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A long-running part of a process: lives until its signal aborts, which is a normal end. */
export type Task = (signal: AbortSignal) => Promise<void>

/**
 * Runs parts together. The first that fails, or ends although nobody asked, stops the others; all are waited for, so
 * that each can clean up; then the first failure is thrown. Resolves when `signal` aborted and all have ended.
 */
export async function runTasks(signal: AbortSignal, tasks: readonly Task[]): Promise<void> {
  const group = new AbortController()
  // Each part waits for it, some with several listeners: Node would warn of a leak at the eleventh.
  setMaxListeners(0, group.signal)
  const stop = () => group.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  let failure: { readonly error: unknown } | undefined
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(group.signal)
      } catch (error) {
        if (!group.signal.aborted || !isAbort(error, group.signal)) failure ??= { error }
      }
      group.abort()
    }),
  )
  signal.removeEventListener('abort', stop)
  if (failure !== undefined) throw failure.error
}

/** Whether an error is just the echo of an aborted signal. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
}

/** How long work that comes again and again rests: a multiple of the time that it took, within bounds in milliseconds. */
export interface Rest {
  readonly least: number
  readonly most: number
  readonly times: number
}

/** The rest after work that took so long, milliseconds: so much of something large takes little of the time. */
export function restAfter(tookMs: number, { least, most, times }: Rest): number {
  return Math.min(most, Math.max(least, times * tookMs))
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Waits `ms` milliseconds or until one of the signals aborts, whichever is first; never rejects. Signals are not joined
 * by `AbortSignal.any`, which on Node 20 leaks an entry into each long-lived signal.
 */
export function delay(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    if (signals.some(({ aborted }) => aborted)) return resolve()
    const done = () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    for (const signal of signals) signal.addEventListener('abort', done)
  })
}
