import { z } from 'zod'
import { formatDuration } from './fields.js'

/** A JSON Schema, or a part of one, as far as editors and the reference pages need it. */
export interface JsonSchema {
  readonly $schema?: string
  readonly title?: string
  readonly description?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly not?: JsonSchema
  readonly if?: JsonSchema
  readonly then?: JsonSchema
  readonly deprecationMessage?: string
}

const NOT_YET = 'not supported yet: mesh refuses a document with this key'

/**
 * The JSON Schema (draft-7) of what people write: for editors, and for the reference pages.
 *
 * A key that this version does not support is listed with `not: {}`, so that every value of it is marked as wrong and
 * the editor says why. What a schema of zod checks by code is not in it: `mesh validate` says more.
 */
export function toJsonSchema(schema: z.core.$ZodType, description?: string): JsonSchema {
  const made = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (jsonSchema['notSupportedYet'] === true) {
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
        Object.assign(jsonSchema, { not: {}, description: NOT_YET, deprecationMessage: NOT_YET })
      }
      const { def } = zodSchema._zod as z.core.$ZodTypes['_zod']
      // What is read as milliseconds is written as text; zod leaves out the default of what it transforms.
      if (def.type === 'default' && jsonSchema.title === 'duration' && typeof def.defaultValue === 'number')
        jsonSchema.default = formatDuration(def.defaultValue)
    },
  })
  const { $schema, ...rest } = made as JsonSchema
  return {
    ...($schema === undefined ? {} : { $schema }),
    ...(description === undefined ? {} : { description }),
    ...rest,
  }
}

/** Whether a key with this schema is one that this version refuses. */
export function isNotYet(schema: JsonSchema): boolean {
  return schema.not !== undefined && Object.keys(schema.not).length === 0
}

/** The schema of a file whose documents may be of any of these kinds; its `kind` tells which one holds. */
export function anyKindOf(kinds: Readonly<Record<string, JsonSchema>>, description: string): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    description,
    type: 'object',
    properties: { kind: { enum: Object.keys(kinds), description: 'what the document is about' } },
    required: ['kind'],
    allOf: Object.entries(kinds).map(([kind, { $schema, ...schema }]) => ({
      if: { properties: { kind: { const: kind } }, required: ['kind'] },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
      then: schema,
    })),
  }
}
