/** The time of {@link withDeadline} was up. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
  readonly ms: number

  constructor(ms: number) {
    super(`no answer within ${ms / 1000} s`)
    this.ms = ms
  }
}

/**
 * Does work with a signal that aborts when `signal` does, and after `ms` milliseconds with {@link DeadlineExceeded}.
 *
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])` says the same and does not hold: nothing but the combined signal
 * knows the timeout, and that only weakly, so Node collects it with the garbage and it never fires (seen with Node 20).
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const stop = () => controller.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  const timer = setTimeout(() => controller.abort(new DeadlineExceeded(ms)), ms)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
