import { isNotYet, type JsonSchema } from './json-schema.js'

/** A key of a schema, as a reference page or a list of settings shows it. */
export interface SchemaRow {
  /** From the top: `['rules', '[]', 'match', 'path']`; `<name>` stands for keys that people choose. */
  readonly path: readonly string[]
  /** In words: `duration`, `list of names`, `allow or deny`. */
  readonly type: string
  readonly default: unknown
  readonly required: boolean
  readonly description: string
  /** False: this version refuses the key. */
  readonly supported: boolean
  /** Whether keys below it are rows of their own. */
  readonly map: boolean
}

/** Every key of a schema with those below it, in the order of the schema; a key that has several forms comes once. */
export function schemaRows(schema: JsonSchema): readonly SchemaRow[] {
  const rows = new Map<string, SchemaRow>()
  for (const row of rowsBelow(schema, [])) {
    const key = formatRowPath(row.path)
    if (!rows.has(key)) rows.set(key, row)
  }
  return [...rows.values()]
}

/** `rules[].match.path` */
export function formatRowPath(path: readonly string[]): string {
  return path.reduce((text, part) => (part === '[]' ? `${text}[]` : text === '' ? part : `${text}.${part}`), '')
}

function rowsBelow(schema: JsonSchema, path: readonly string[]): readonly SchemaRow[] {
  const { properties = {}, required = [], items, additionalProperties } = schema
  const own = Object.entries(properties).flatMap(([key, value]) => {
    const here = [...path, key]
    return [rowOf(value, here, required.includes(key)), ...rowsBelow(value, here)]
  })
  const inList = items === undefined ? [] : rowsBelow(items, [...path, '[]'])
  const chosen = typeof additionalProperties === 'object' ? rowsBelow(additionalProperties, [...path, '<name>']) : []
  return [...own, ...inList, ...chosen, ...variants(schema).flatMap((variant) => rowsBelow(variant, path))]
}

/** The forms of a value, without a list of what may also stand alone. */
function variants({ anyOf = [], oneOf = [] }: JsonSchema): readonly JsonSchema[] {
  const all = [...anyOf, ...oneOf]
  const alone = new Set(all.map((one) => JSON.stringify(one.properties)))
  return all.filter(({ items }) => items === undefined || !alone.has(JSON.stringify(items.properties ?? null)))
}

function rowOf(schema: JsonSchema, path: readonly string[], required: boolean): SchemaRow {
  const { description = '' } = schema
  const supported = !isNotYet(schema)
  const map = rowsBelow(schema, []).length > 0
  return { path, type: supported ? typeOf(schema) : '', default: schema.default, required, description, supported, map }
}

/** What a value may be, in words. */
function typeOf(schema: JsonSchema): string {
  const { anyOf, oneOf, items, additionalProperties, title } = schema
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return either(schema.enum.map(String))
  if (title !== undefined) return title
  const forms = anyOf ?? oneOf
  if (forms !== undefined) return either([...new Set(forms.map(typeOf))])
  if (items !== undefined) return `list: ${typeOf(items)}`
  if (typeof additionalProperties === 'object' && schema.properties === undefined)
    return `map of names: ${typeOf(additionalProperties)}`
  return simpleType(schema)
}

function simpleType({ type, minimum, maximum }: JsonSchema): string {
  if (type === 'integer' || type === 'number') {
    const safe = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
    const range = minimum !== undefined && safe ? `, ${minimum} to ${maximum}` : ''
    return `${type === 'integer' ? 'whole number' : 'number'}${range}`
  }
  return (type === undefined ? undefined : SIMPLE[type]) ?? 'anything'
}

const SIMPLE: Readonly<Record<string, string>> = { string: 'text', boolean: 'true or false', object: 'map' }

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
