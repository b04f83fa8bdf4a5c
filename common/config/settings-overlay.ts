import type { z } from 'zod'
import { readYaml } from './yaml.js'

/** A setting that does not come from the file. */
export interface Override {
  readonly path: readonly string[]
  readonly value: unknown
  /** Where it comes from, for messages: `$MESH_ENVOY_PATH` or `--set envoy.path`. */
  readonly name: string
}

/** What the environment and then the flags say; the later of two for one setting counts. */
export function readVariables(
  schema: z.ZodType,
  environment: Readonly<Record<string, string | undefined>>,
  flags: readonly string[],
): readonly Override[] {
  return [...variables(shapeOf(schema), environment, []), ...flags.map(readFlag)]
}

/** Puts values over what a file says. A document that is no map stays as it is, to be refused as a whole. */
export function overlay(value: unknown, overrides: readonly Override[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const result: Record<string, unknown> = { ...value }
  for (const override of overrides) put(result, override.path, override.value)
  return result
}

/** What the commands of operators read. A daemon that is started in such a shell must not take it for a setting of its own. */
const OF_COMMANDS: ReadonlySet<string> = new Set(['MESH_ADMIN_SOCKET'])

/** The environment variable of a setting: `envoy.drainTime` is `MESH_ENVOY_DRAIN_TIME`. Undefined: it has none. */
export function variableName(path: readonly string[]): string | undefined {
  const words = path.map((part) => part.replace(/([a-z])([A-Z])/g, '$1_$2'))
  const name = `MESH_${words.join('_').toUpperCase()}`
  return OF_COMMANDS.has(name) ? undefined : name
}

type Shape = Readonly<Record<string, z.ZodType>>

function variables(
  shape: Shape,
  environment: Readonly<Record<string, string | undefined>>,
  base: readonly string[],
): readonly Override[] {
  return Object.entries(shape).flatMap(([key, schema]) => {
    const path = [...base, key]
    const inner = shapeOf(schema)
    if (Object.keys(inner).length > 0) return variables(inner, environment, path)
    const name = variableName(path)
    const text = name === undefined ? undefined : environment[name]
    return text === undefined ? [] : [{ path, value: scalar(text), name: `$${name}` }]
  })
}

/** `envoy.drainTime=10s`; without `=` it is a key without a value, which the schema refuses by its name. */
function readFlag(flag: string): Override {
  const at = flag.indexOf('=')
  const [key, text] = at === -1 ? [flag, ''] : [flag.slice(0, at), flag.slice(at + 1)]
  return { path: key.split('.'), value: scalar(text), name: `--set ${key}` }
}

function shapeOf(schema: z.ZodType): Shape {
  const definition = schema._zod.def as unknown as { readonly shape?: Shape; readonly innerType?: z.ZodType }
  return definition.shape ?? (definition.innerType === undefined ? {} : shapeOf(definition.innerType))
}

function put(target: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  const own = Object.hasOwn(target, key) ? target[key] : undefined
  const inner = typeof own === 'object' && own !== null && !Array.isArray(own) ? { ...own } : {}
  if (rest.length > 0) put(inner as Record<string, unknown>, rest, value)
  Object.defineProperty(target, key, {
    value: rest.length === 0 ? value : inner,
    enumerable: true,
    writable: true,
    configurable: true,
  })
}

/** A text as YAML would read it. */
function scalar(text: string): unknown {
  const { documents } = readYaml('', text)
  return documents[0]?.value ?? text
}
