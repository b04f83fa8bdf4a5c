import { z } from 'zod'
import { type Summary, summarize } from './statistics.js'

const summary = z.strictObject({
  median: z.number(),
  p99: z.number(),
  min: z.number(),
  max: z.number(),
  count: z.int(),
})

/** One condition of a bar; `ratio` and `p99Ratio` are over what the row is compared with in the same run. */
const condition = z.strictObject({
  of: z.enum(['median', 'p99', 'max', 'min', 'ratio', 'p99Ratio', 'blockedMs']),
  most: z.number().optional(),
  least: z.number().optional(),
})

const row = z.strictObject({
  bench: z.string(),
  /** What was measured, unique in its benchmark. */
  what: z.string(),
  unit: z.string(),
  better: z.enum(['less', 'more']),
  values: z.array(z.number()),
  summary,
  /** CPU time of the server for each value, milliseconds. */
  cpuMs: z.number().optional(),
  rssMb: z.number().optional(),
  /** The longest time for which the server's event loop did not turn, milliseconds. */
  blockedMs: z.number().optional(),
  /** What it is compared with in the same run: the null server, unless the row says otherwise. */
  floor: summary.optional(),
  bar: z.array(condition),
  /** What makes the run void: empty when every client ended with exactly what it should hold. */
  faults: z.array(z.string()),
})

const machine = z.strictObject({
  cpu: z.string(),
  cores: z.int(),
  memoryGb: z.number(),
  kernel: z.string(),
  node: z.string(),
})

/** All that one call of `npm run bench` measured, as it stands in its JSON file. */
export const report = z.strictObject({
  format: z.literal(1),
  commit: z.string(),
  startedAt: z.string(),
  /** Whether sizes and numbers of runs were the small ones. */
  quick: z.boolean(),
  machine,
  /** Average number of processes that want to run, over one minute, before and after. */
  loadBefore: z.number(),
  loadAfter: z.number(),
  rows: z.array(row),
})

export type Report = z.infer<typeof report>
export type Row = z.infer<typeof row>
export type Condition = z.infer<typeof condition>
export type Machine = z.infer<typeof machine>

/** A row before its values are summed up. */
export type Measured = Omit<Row, 'summary' | 'floor' | 'bench' | 'better' | 'bar' | 'faults'> &
  Partial<Pick<Row, 'better' | 'bar' | 'faults'>> & { readonly floor?: readonly number[] }

/** Sums up what was measured. */
export function toRow(bench: string, measured: Measured): Row {
  const { floor, better = 'less', bar = [], faults = [], ...rest } = measured
  const { values } = measured
  return {
    ...rest,
    bench,
    better,
    bar,
    faults,
    summary: summarize(values),
    ...(floor === undefined ? {} : { floor: summarize(floor) }),
  }
}

/** The median over that of what the row is compared with; absent without that. */
export function ratioOf({ summary: { median }, floor }: Pick<Row, 'summary' | 'floor'>): number | undefined {
  return floor === undefined ? undefined : median / floor.median
}

/** Whether every condition of the bar holds; undefined where there is no bar. */
export function isMet(row: Row): boolean | undefined {
  if (row.bar.length === 0) return undefined
  return row.bar.every(({ of, most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }) => {
    const value = judged(row, of)
    return value !== undefined && value <= most && value >= least
  })
}

function judged(row: Row, of: Condition['of']): number | undefined {
  if (of === 'ratio') return ratioOf(row)
  if (of === 'p99Ratio') return row.floor && row.summary.p99 / row.floor.p99
  return of === 'blockedMs' ? row.blockedMs : (row.summary as Summary)[of]
}
