import { type Column, formatTable } from '../../../cli/table.js'
import { type Condition, isMet, type Report, type Row, ratioOf } from './result.js'

/** The rows as a table for people. */
export function formatRows(rows: readonly Row[]): string {
  return formatTable(rows, COLUMNS)
}

/** What a report says beside its rows: the machine, and what makes it worth less. */
export function formatCircumstances({ machine, loadBefore, loadAfter, commit, quick }: Report): string {
  const { cpu, cores, memoryGb, kernel, node } = machine
  const lines = [
    `${cores} × ${cpu}, ${memoryGb} GB, Linux ${kernel}, Node ${node}, commit ${commit}`,
    `load average ${loadBefore.toFixed(2)} before, ${loadAfter.toFixed(2)} after`,
  ]
  if (quick) lines.push('small sizes and few runs: the bars are meant for the whole ones')
  return `${lines.join('\n')}\n`
}

/** What makes rows void, one line each. */
export function formatFaults(rows: readonly Row[]): string {
  return rows.flatMap(({ bench, what, faults }) => faults.map((fault) => `VOID ${bench} ${what}: ${fault}\n`)).join('')
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'BENCH', value: ({ bench }) => bench },
  { title: 'WHAT', value: ({ what }) => what },
  { title: 'RUNS', value: ({ summary }) => String(summary.count) },
  { title: 'MEDIAN', value: ({ summary, unit }) => `${number(summary.median)} ${unit}` },
  { title: 'P99', value: ({ summary }) => number(summary.p99) },
  { title: 'MIN–MAX', value: ({ summary }) => `${number(summary.min)}–${number(summary.max)}` },
  { title: 'CPU MS', value: ({ cpuMs }) => number(cpuMs) },
  { title: 'RSS MB', value: ({ rssMb }) => number(rssMb) },
  { title: 'BLOCKED MS', value: ({ blockedMs }) => number(blockedMs) },
  { title: 'BASE', value: ({ floor }) => number(floor?.median) },
  { title: 'RATIO', value: (row) => ratioOf(row)?.toFixed(2) ?? '' },
  { title: 'BAR', value: ({ bar }) => bar.map(formatCondition).join(', ') },
  { title: 'MET', value: (row) => verdict(row) },
]

const NAMES: Readonly<Partial<Record<Condition['of'], string>>> = {
  blockedMs: 'blocked',
  ratio: 'base ×',
  p99Ratio: 'base p99 ×',
}

function formatCondition({ of, most, least }: Condition): string {
  const name = NAMES[of] ?? of
  return most === undefined ? `${name} ≥ ${least}` : `${name} ≤ ${most}`
}

function verdict(row: Row): string {
  if (row.faults.length > 0) return 'void'
  const met = isMet(row)
  return met === undefined ? '' : met ? 'yes' : 'NO'
}

function number(value: number | undefined): string {
  if (value === undefined) return ''
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
