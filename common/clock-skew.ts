import { performance } from 'node:perf_hooks'

/**
 * Clocks that differ by less, in milliseconds, hurt nothing: a certificate is valid from two minutes before it is issued,
 * and a message takes a moment.
 */
const HARMLESS_MS = 100_000

/**
 * What another machine's wall clock says, as the difference to our monotonic clock, in milliseconds: so it holds when our
 * own wall clock jumps.
 */
export type ClockOffset = number

/** Takes note of what another machine's clock says now. @param theirs wall-clock milliseconds */
export function readClock(theirs: number, monotonic = performance.now()): ClockOffset {
  return theirs - monotonic
}

/** By how much another machine's clock is ahead of ours now, milliseconds; negative: it is behind. */
export function skewOf(offset: ClockOffset, now = Date.now(), monotonic = performance.now()): number {
  return offset + monotonic - now
}

/** `25 h ahead`, `2 min behind`; undefined where clocks differ by so little that nothing is hurt. */
export function describeSkew(skewMs: number): string | undefined {
  const size = Math.abs(skewMs)
  if (size < HARMLESS_MS) return undefined
  const minutes = Math.round(size / 60_000)
  const text = minutes < 120 ? `${minutes} min` : `${Math.round(size / 3_600_000)} h`
  return `${text} ${skewMs > 0 ? 'ahead' : 'behind'}`
}
