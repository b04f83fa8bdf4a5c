import { isDeepStrictEqual } from 'node:util'
import type { Machine, Report, Row } from './result.js'

/** A stored report that says nothing about this one, because it was made otherwise. */
export class NotComparable extends Error {
  override readonly name = 'NotComparable'
}

/** How one row stands to the same row of an earlier report. */
export interface Comparison {
  readonly bench: string
  readonly what: string
  readonly unit: string
  readonly before: number
  readonly now: number
  readonly verdict: 'slower' | 'faster' | 'same'
}

/**
 * Holds the rows of a report against an earlier one. A row is slower when its median is worse than everything that the
 * earlier run measured, and the earlier median better than everything of this one: what is less than that is noise.
 * Rows that only one of the two has are left out.
 *
 * @throws NotComparable for a report of another machine, or of other sizes
 */
export function compareReports(before: Report, now: Report): readonly Comparison[] {
  checkMachine(before.machine, now.machine)
  if (before.quick !== now.quick) throw new NotComparable('one of the two was made with --quick, the other without')
  return now.rows.flatMap((row) => {
    const earlier = before.rows.find(({ bench, what }) => bench === row.bench && what === row.what)
    return earlier === undefined ? [] : [compareRows(earlier, row)]
  })
}

function checkMachine(before: Machine, now: Machine): void {
  for (const fact of ['cpu', 'cores', 'memoryGb', 'node'] as const) {
    if (isDeepStrictEqual(before[fact], now[fact])) continue
    throw new NotComparable(`${fact} was ${before[fact]} and is ${now[fact]}: times of two machines say nothing`)
  }
}

function compareRows(before: Row, now: Row): Comparison {
  const { bench, what, unit } = now
  const worse = (a: number, b: number) => (now.better === 'less' ? a > b : a < b)
  const apart = (one: Row, other: Row) =>
    worse(one.summary.median, extreme(other, 'worst')) && worse(extreme(one, 'best'), other.summary.median)
  const verdict = apart(now, before) ? 'slower' : apart(before, now) ? 'faster' : 'same'
  return { bench, what, unit, before: before.summary.median, now: now.summary.median, verdict }
}

function extreme({ better, summary: { min, max } }: Row, which: 'best' | 'worst'): number {
  return (better === 'less') === (which === 'worst') ? max : min
}
