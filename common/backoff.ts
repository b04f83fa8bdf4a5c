/** Limits of the pause before another try, in milliseconds. */
export interface BackoffLimits {
  readonly base: number
  readonly max: number
}

/**
 * The pause before try number `attempt` (1 is the first retry): anything from 0 to a bound that doubles with each
 * attempt up to `max` ("full jitter"), so that a fleet that lost the same server does not come back in step.
 */
export function backoffDelay(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  const bound = Math.min(limits.max, limits.base * 2 ** Math.min(attempt - 1, 30))
  return Math.round(random() * bound)
}
