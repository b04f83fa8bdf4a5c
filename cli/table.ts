/** One column of a table: its title and how a row fills it. */
export interface Column<T> {
  readonly title: string
  readonly value: (row: T) => string
  /** Only with `-o wide`. */
  readonly wide?: boolean
}

/** Formats rows as aligned columns, two spaces apart, titles in capitals; empty cells are `-`. */
export function formatTable<T>(rows: readonly T[], columns: readonly Column<T>[], wide = false): string {
  const shown = columns.filter((column) => wide || column.wide !== true)
  const cells = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ value }) => clean(value(row))))]
  const widths = shown.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  return cells
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** A text on one line, without control characters; an empty one is `-`. */
export function clean(text: string): string {
  // Values come from files and from other hosts: a terminal must not obey them.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
  const printable = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return printable === '' ? '-' : printable
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** How long ago, or until when, in at most two units: `3m12s`, `2d4h`; `0s` below a second. */
export function formatSpan(ms: number): string {
  let rest = Math.max(0, Math.abs(ms))
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
    if (parts.length === 2) break
  }
  return parts.length === 0 ? '0s' : parts.join('')
}

/** An ISO time as a span from now; absent is the empty text. */
export function ago(time: string | undefined, now: number = Date.now()): string {
  return time === undefined ? '' : formatSpan(now - Date.parse(time))
}
