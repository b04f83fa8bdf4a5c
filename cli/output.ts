import { Option } from 'commander'
import { stringify } from 'yaml'
import { type Column, formatTable } from './table.js'

/** Where the command prints; a test gives its own. */
export type Write = (text: string) => void

/** The `-o` option that every reading command has. */
export function outputOption(): Option {
  return new Option('-o, --output <form>', 'form of the output')
    .choices(['table', 'wide', 'json', 'yaml'])
    .default('table')
}

/** Prints a value whole where the `-o` option asks for JSON or YAML. @returns whether it did */
export function printValue(form: string, value: unknown, write: Write): boolean {
  if (form === 'json') write(`${JSON.stringify(value, null, 2)}\n`)
  else if (form === 'yaml') write(stringify(value))
  else return false
  return true
}

/** Prints rows as a table, or the value that they come from as JSON or YAML, as the `-o` option asks. */
export function printRows<T>(
  form: string,
  value: unknown,
  rows: readonly T[],
  columns: readonly Column<T>[],
  write: Write,
): void {
  if (!printValue(form, value, write)) write(formatTable(rows, columns, form === 'wide'))
}

/** A value on one line as people would write it in YAML; absent and empty ones are the empty text. */
export function formatInline(value: unknown): string {
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)) return ''
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
}

/** A value as YAML, one line for each key. */
export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
