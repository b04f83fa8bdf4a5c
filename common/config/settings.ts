import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { isMissing } from '../files.js'
import type { Problem } from '../problem.js'
import { validate } from './validate.js'
import { readYaml, type YamlDocument } from './yaml.js'

/** Settings of a daemon, or what is wrong with them. */
export interface LoadedSettings<T> {
  readonly settings: T | undefined
  readonly problems: readonly Problem[]
}

/**
 * Reads a settings file, one YAML document, with the environment over it: `MESH_LISTEN` over-rides `listen`,
 * `MESH_ENVOY_PATH` over-rides `envoy.path`. A file that does not exist counts as empty.
 */
export async function loadSettings<S extends z.ZodObject>(
  schema: S,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LoadedSettings<z.output<S>>> {
  const { documents, problems } = readYaml(file, await readText(file))
  if (problems.length > 0) return { settings: undefined, problems }
  if (documents.length > 1) return { settings: undefined, problems: [tooMany(file, documents)] }
  const written = documents[0] ?? EMPTY(file)
  const document = { ...written, value: overlay(schema, written.value, environment) }
  const validated = validate<z.output<S>>(document, schema as unknown as z.ZodType<z.output<S>>)
  return { settings: validated.located?.value, problems: validated.problems }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}

function EMPTY(file: string): YamlDocument {
  const location = { file, line: 1, column: 1 }
  return { value: {}, text: '', line: 1, location, locate: () => location, sourceAt: () => undefined }
}

function tooMany(file: string, documents: readonly YamlDocument[]): Problem {
  const place = documents[1]?.location ?? { file, line: 1, column: 1 }
  return { ...place, code: 'MSH0211', severity: 'error', path: '', message: 'a settings file holds one document' }
}

/** Puts the values of variables such as `MESH_ENVOY_PATH` over what the file says. */
function overlay(
  schema: z.ZodType,
  value: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const shape = shapeOf(schema)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const result: Record<string, unknown> = { ...value }
  for (const [path, text] of variables(shape, environment)) put(result, path, scalar(text))
  return result
}

type Shape = Readonly<Record<string, z.ZodType>>

function variables(
  shape: Shape,
  environment: Readonly<Record<string, string | undefined>>,
  base: readonly string[] = [],
): readonly (readonly [readonly string[], string])[] {
  return Object.entries(shape).flatMap(([key, schema]) => {
    const path = [...base, key]
    const inner = shapeOf(schema)
    if (Object.keys(inner).length > 0) return variables(inner, environment, path)
    const text = environment[variableName(path)]
    return text === undefined ? [] : [[path, text] as const]
  })
}

/** The environment variable of a setting: `envoy.drainTime` is `MESH_ENVOY_DRAIN_TIME`. */
export function variableName(path: readonly string[]): string {
  const words = path.map((part) => part.replace(/([a-z])([A-Z])/g, '$1_$2'))
  return `MESH_${words.join('_').toUpperCase()}`
}

function shapeOf(schema: z.ZodType): Shape {
  const definition = schema._zod.def as unknown as { readonly shape?: Shape; readonly innerType?: z.ZodType }
  return definition.shape ?? (definition.innerType === undefined ? {} : shapeOf(definition.innerType))
}

function put(target: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[key] = value
    return
  }
  const inner = target[key]
  const copy = typeof inner === 'object' && inner !== null ? { ...inner } : {}
  target[key] = copy
  put(copy as Record<string, unknown>, rest, value)
}

/** A variable's text as YAML would read it. */
function scalar(text: string): unknown {
  const { documents } = readYaml('environment', text)
  return documents[0]?.value ?? text
}
