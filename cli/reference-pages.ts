import { formatRowPath, type SchemaRow, schemaRows } from '../common/config/schema-rows.js'
import { variableName } from '../common/config/settings-overlay.js'
import { KINDS_NOT_SUPPORTED } from '../controlplane/config/schema/documents.js'
import { formatInline } from './output.js'
import { jsonSchemas, WRITTEN_KINDS, type WrittenKind } from './schemas.js'

/** The pages of `docs/reference` by file name, made from the schemas; `npm run docs` writes them. */
export function referencePages(): Readonly<Record<string, string>> {
  const schemas = jsonSchemas()
  const pages = WRITTEN_KINDS.map((kind) => [`${kind.name}.md`, formatPage(kind, schemaRows(schemas[kind.name] ?? {}))])
  return { 'README.md': formatIndex(), ...Object.fromEntries(pages) }
}

const MADE = 'Made from the schemas by `npm run docs`; change the descriptions there.'

function formatIndex(): string {
  const rows = WRITTEN_KINDS.map(({ name, about, place }) => `| [${titleOf(name)}](${name}.md) | ${place} | ${about} |`)
  return `# Reference

${MADE} Of every key the tables tell its type, its default, and what it means.

| page | where it is written | what for |
|---|---|---|
${rows.join('\n')}

Kinds of the language that this version does not support yet: ${KINDS_NOT_SUPPORTED.map((kind) => `\`${kind}\``).join(', ')}.

Durations are texts with a unit, such as \`250ms\`, \`2s\` or \`1m30s\`. A name is a DNS label in lower case. A key that is
not in a table is refused, with its line.
`
}

/** The documents have a kind; the other files are known by their place. */
function titleOf(name: string): string {
  if (name === 'service-file') return 'service files'
  return name === 'agent' || name === 'controlplane' ? `${name}.yaml` : `kind: ${name}`
}

function formatPage({ name, about, place }: WrittenKind, rows: readonly SchemaRow[]): string {
  const settings = name === 'agent' || name === 'controlplane'
  const supported = rows.filter(({ supported: one }) => one)
  const missing = rows.filter(({ supported: one }) => !one).map(({ path }) => `\`${formatRowPath(path)}\``)
  const columns = ['key', 'type', 'default', ...(settings ? ['environment'] : []), 'meaning']
  const lines = [columns, columns.map(() => '---'), ...supported.map((row) => cells(row, settings))]
  const notYet = missing.length === 0 ? '' : `\nNot supported yet, and refused: ${missing.join(', ')}.\n`
  return `# ${titleOf(name)}

${about} Written in \`${place}\`. ${MADE}

${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}
${notYet}`
}

function cells(row: SchemaRow, settings: boolean): readonly string[] {
  const name = settings && !row.map ? variableName(row.path) : undefined
  const variable = name === undefined ? '' : `\`${name}\``
  const meaning = row.description.replaceAll('|', '\\|')
  const required = row.required ? 'required' : row.map ? '' : formatInline(row.default)
  return [
    `\`${formatRowPath(row.path)}\``,
    row.type.replaceAll('|', '\\|'),
    required,
    ...(settings ? [variable] : []),
    meaning,
  ]
}
