import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { formatRowPath, schemaRows } from '../../common/config/schema-rows.js'
import { variableName } from '../../common/config/settings-overlay.js'
import { CommandFailure, EXIT } from '../exit.js'
import { formatInline, outputOption, printRows, type Write } from '../output.js'
import type { Column } from '../table.js'

/** `mesh config schema|defaults`: what can be written, for editors and for people. */
export function configCommand(program: Command, write: Write): void {
  const config = program.command('config').description('what can be written: schemas for editors, and all settings')
  schemaCommand(config, write)
  defaultsCommand(config, write)
}

interface SchemaOptions {
  readonly all?: boolean
  readonly out?: string
}

function schemaCommand(config: Command, write: Write): void {
  config
    .command('schema')
    .description('print the JSON Schema (draft-7) of a kind; without one, list the kinds')
    .argument('[kind]', 'a kind of document, document (any of them), service-file, agent or controlplane')
    .option('--all', 'write all schemas, a file for each')
    .option('--out <directory>', 'where --all writes them')
    .addHelpText('after', SCHEMA_HELP)
    .action(async (kind: string | undefined, { all = false, out }: SchemaOptions, command: Command) => {
      const { jsonSchemas } = await import('../schemas.js')
      const schemas = jsonSchemas()
      if (all !== (out !== undefined)) command.error('error: --all and --out go together')
      if (out !== undefined) return await writeSchemas(out, schemas, write)
      if (kind === undefined) return write(listSchemas(schemas))
      if (!Object.hasOwn(schemas, kind)) throw unknownKind(kind, Object.keys(schemas))
      write(`${JSON.stringify(schemas[kind], null, 2)}\n`)
    })
}

const SCHEMA_HELP = `
Editors with a YAML language server read the schema that a file's first line names:
  # yaml-language-server: $schema=/etc/mesh/schemas/document.json

Examples:
  mesh config schema
  mesh config schema route
  mesh config schema --all --out /etc/mesh/schemas`

async function writeSchemas(directory: string, schemas: Readonly<Record<string, unknown>>, write: Write) {
  await mkdir(directory, { recursive: true })
  for (const [name, schema] of Object.entries(schemas))
    await writeFile(join(directory, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`)
  write(`wrote ${Object.keys(schemas).length} schemas to ${directory}\n`)
}

function listSchemas(schemas: Readonly<Record<string, { readonly description?: string }>>): string {
  const widest = Math.max(...Object.keys(schemas).map((name) => name.length))
  return Object.entries(schemas)
    .map(([name, { description = '' }]) => `${name.padEnd(widest)}  ${description}\n`)
    .join('')
}

function unknownKind(kind: string, known: readonly string[]): CommandFailure {
  return new CommandFailure(EXIT.usage, `there is no schema ${kind}`, `schemas are ${known.join(', ')}`)
}

/** A setting of a daemon. */
interface SettingView {
  readonly daemon: string
  readonly key: string
  readonly environment: string
  readonly type: string
  readonly default: unknown
  readonly required: boolean
  readonly description: string
}

function defaultsCommand(config: Command, write: Write): void {
  config
    .command('defaults')
    .description('list all settings: default, environment variable, meaning')
    .argument('[daemon]', 'agent or controlplane; both unless given')
    .addOption(outputOption())
    .addHelpText('after', DEFAULTS_HELP)
    .action(async (daemon: string | undefined, { output }: { output: string }) => {
      const settings = await readAllSettings()
      const wanted = settings.filter((one) => daemon === undefined || one.daemon === daemon)
      if (wanted.length === 0)
        throw new CommandFailure(EXIT.usage, `there is no daemon ${daemon}`, 'write agent or controlplane')
      const columns: readonly Column<SettingView>[] = [
        { title: 'DAEMON', value: (one) => one.daemon },
        { title: 'SETTING', value: ({ key }) => key },
        { title: 'DEFAULT', value: (one) => (one.required ? '(required)' : formatInline(one.default)) },
        { title: 'ENVIRONMENT', value: ({ environment }) => environment },
        { title: 'TYPE', value: ({ type }) => type, wide: true },
        { title: 'MEANING', value: ({ description }) => description },
      ]
      printRows(output, wanted, wanted, columns, write)
    })
}

const DEFAULTS_HELP = `
A flag (--set) counts before the environment, the environment before the file, the file before the default.

Examples:
  mesh config defaults
  mesh config defaults agent -o wide
  MESH_ENVOY_DRAIN_TIME=10s mesh agent
  mesh agent --set envoy.drainTime=10s`

async function readAllSettings(): Promise<readonly SettingView[]> {
  const { jsonSchemas } = await import('../schemas.js')
  const schemas = jsonSchemas()
  return ['agent', 'controlplane'].flatMap((daemon) =>
    schemaRows(schemas[daemon] ?? {})
      .filter(({ supported, map }) => supported && !map)
      .map(({ path, type, default: value, required, description }) => ({
        daemon,
        key: formatRowPath(path),
        environment: variableName(path) ?? '',
        type,
        default: value,
        required,
        description,
      })),
  )
}
