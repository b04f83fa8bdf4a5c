import type { z } from 'zod'
import type { DocumentPath } from './located.js'

/** The keys that a schema has at a path, with those of all branches of unions; empty where it has no map there. */
export function keysAt(schema: z.core.$ZodType, path: DocumentPath): readonly string[] {
  let schemas = unwrap(schema)
  for (const part of path) schemas = schemas.flatMap((each) => childOf(each, part).flatMap(unwrap))
  return [...new Set(schemas.flatMap((each) => Object.keys(shapeOf(each) ?? {})))]
}

/** `key.written`, where `written` is a key of a map one level below the path: it was put one level too high. */
export function keyBelow(schema: z.core.$ZodType, path: DocumentPath, written: string): string | undefined {
  const parent = keysAt(schema, path).find((key) => keysAt(schema, [...path, key]).includes(written))
  return parent === undefined ? undefined : `${parent}.${written}`
}

type Definition = z.core.$ZodTypes['_zod']['def']

function definitionOf(schema: z.core.$ZodType): Definition {
  return (schema as z.core.$ZodTypes)._zod.def
}

/** The schemas that decide about a value: without wrappers for defaults and the like, and with unions taken apart. */
function unwrap(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const definition = definitionOf(schema)
  if (definition.type === 'union') return definition.options.flatMap(unwrap)
  if (definition.type === 'pipe') return unwrap(definition.in)
  return 'innerType' in definition ? unwrap(definition.innerType) : [schema]
}

function childOf(schema: z.core.$ZodType, part: string | number): readonly z.core.$ZodType[] {
  const definition = definitionOf(schema)
  if (definition.type === 'array') return [definition.element]
  if (definition.type === 'record') return [definition.valueType]
  const shape = shapeOf(schema)
  return shape !== undefined && Object.hasOwn(shape, part) ? [shape[part] as z.core.$ZodType] : []
}

function shapeOf(schema: z.core.$ZodType): z.core.$ZodShape | undefined {
  const definition = definitionOf(schema)
  return definition.type === 'object' ? definition.shape : undefined
}
