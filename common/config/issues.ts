import type { z } from 'zod'
import type { ProblemCode } from './codes.js'
import { type IssueParams, REASON_CODES } from './fields.js'
import { keyInOtherWords, numberHint, wordMeant } from './hints.js'
import type { DocumentPath } from './located.js'
import { keyBelow, keysAt } from './schema-keys.js'
import { suggest } from './suggest.js'
import { relevantIssues } from './union-issues.js'

/** What is wrong at a path of a document, before it is located in a file. */
export interface Finding {
  readonly code: ProblemCode
  readonly path: DocumentPath
  readonly message: string
  readonly hint?: string | undefined
  /** Of an unknown key: the known one that was meant. */
  readonly meant?: string | undefined
  /** The key that is missing at the path. */
  readonly missing?: string | undefined
}

/** At most so many keys of one map are looked at: a suggestion costs a comparison with every key of the schema. */
const MOST_KEYS = 20

/** Longer texts and names are cut in messages. */
const LONGEST_SHOWN = 60

/**
 * Explains an issue of zod in the words of the configuration.
 *
 * @param schema what the whole document was checked against, for suggestions
 * @param sourceAt how a number or boolean was spelt, so that a hint can quote it
 */
export function explainIssue(
  issue: z.core.$ZodIssue,
  schema: z.core.$ZodType,
  sourceAt: (path: DocumentPath) => string | undefined,
): readonly Finding[] {
  const path = issue.path as DocumentPath
  if (typeof issue.input === 'string' && issue.input.length > LONGEST_SHOWN)
    return explainIssue(shortened(issue, issue.input), schema, sourceAt)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, MOST_KEYS).map((key) => unknownKey(schema, path, key))
  if (issue.input === null && !isNotSupported(issue)) return [{ path, ...NO_VALUE }]
  if (issue.code === 'invalid_union') return explainUnion(issue, schema, sourceAt)
  if (issue.input === undefined && issue.code !== 'custom') return [missing(path)]
  if (issue.code === 'invalid_type') return [{ path, ...wrongType(issue, sourceAt(path), keysAt(schema, path)) }]
  if (issue.code === 'invalid_value') return [{ path, ...wrongValue(issue) }]
  if (issue.code === 'too_big' || issue.code === 'too_small') return [{ path, ...outOfRange(issue) }]
  if (issue.code === 'invalid_key')
    return issue.issues.flatMap((inner) => explainIssue({ ...inner, path: issue.path }, schema, sourceAt))
  return [{ path, ...(issue.code === 'custom' ? custom(issue) : wrongForm(issue.message)) }]
}

const NO_VALUE: Explanation = { code: 'MSH0203', message: 'has no value', hint: 'give it one or remove the key' }

/** A key without a value that is not supported yet, also in one of several forms, is told as just that. */
function isNotSupported(issue: z.core.$ZodIssue): boolean {
  if (issue.code === 'invalid_union') return issue.errors.some((branch) => branch.some(isNotSupported))
  return issue.code === 'custom' && (issue.params as IssueParams | undefined)?.reason === 'not-supported-yet'
}

/** The same issue with a text that was written cut short, as a message can hold it. */
function shortened(issue: z.core.$ZodIssue, input: string): z.core.$ZodIssue {
  const short = `${input.slice(0, LONGEST_SHOWN - 1)}…`
  return {
    ...issue,
    input: short,
    message: issue.message.replaceAll(JSON.stringify(input), JSON.stringify(short)),
  } as z.core.$ZodIssue
}

type Explanation = Omit<Finding, 'path'>

function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  schema: z.core.$ZodType,
  sourceAt: (path: DocumentPath) => string | undefined,
): readonly Finding[] {
  const path = issue.path as DocumentPath
  if (issue.input === undefined) return [missing(path)]
  const relevant = relevantIssues(issue)
  if (relevant.kind === 'branch') return relevant.issues.flatMap((each) => explainIssue(each, schema, sourceAt))
  const meant = wordMeant(issue.input, relevant.literals)
  const hint = meant === undefined ? formHint(issue.input, keysAt(schema, path)) : `did you mean ${meant}?`
  if (issue.message !== 'Invalid input') return [{ path, ...wrongForm(issue.message), hint }]
  const [telling] = relevant.custom
  if (telling !== undefined) return [{ path, ...custom(telling), ...(meant === undefined ? {} : { hint }) }]
  const wanted = [...relevant.literals.map((value) => `"${value}"`), ...relevant.types.map(typeName)]
  const message = `must be ${anyOf(wanted)}, not ${nameOf(issue.input)}`
  return [{ code: 'MSH0203', path, message, hint }]
}

function unknownKey(schema: z.core.$ZodType, path: DocumentPath, key: string): Finding {
  const known = keysAt(schema, path)
  const meant = suggest(key, known) ?? keyBelow(schema, path, key) ?? keyInOtherWords(key, known)
  const hint = meant === undefined ? undefined : `did you mean \`${meant}\`?`
  return { code: 'MSH0201', path: [...path, key], message: `unknown key \`${clip(key)}\``, hint, meant }
}

function missing(path: DocumentPath): Finding {
  const key = String(path.at(-1) ?? '')
  return { code: 'MSH0204', path: path.slice(0, -1), message: `\`${key}\` is missing`, missing: key }
}

function wrongType(
  issue: z.core.$ZodIssueInvalidType,
  source: string | undefined,
  keys: readonly string[],
): Explanation {
  if (!issue.message.startsWith('Invalid input')) return { ...wrongForm(issue.message), code: 'MSH0203' }
  const message = `must be ${typeName(issue.expected)}, not ${nameOf(issue.input)}`
  if (issue.expected === 'string' && source !== undefined)
    return { code: 'MSH0203', message, hint: `put it in quotes: "${source}"` }
  return { code: 'MSH0203', message, hint: typeHint(issue, keys) }
}

function typeHint({ expected, input }: z.core.$ZodIssueInvalidType, keys: readonly string[]): string | undefined {
  if (expected === 'array') return listHint(input)
  if (expected === 'record') return 'write name: value, a line for each'
  if (expected === 'object') return formHint(input, keys)
  return typeof input === 'string' ? numberHint(input) : undefined
}

function listHint(input: unknown): string {
  if (typeof input !== 'string' && typeof input !== 'number') return 'start each entry of the list with "- "'
  const entries = String(input).split(/\s*,\s*/)
  return `write [${entries.join(', ')}]`
}

/** Of a map that was not written as one: which keys it has. */
function formHint(input: unknown, keys: readonly string[]): string | undefined {
  const written = typeof input === 'string' || typeof input === 'number' || Array.isArray(input)
  if (keys.length === 0 || !written) return undefined
  return `write a map with some of its keys: ${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''}`
}

function wrongValue(issue: z.core.$ZodIssueInvalidValue): Explanation {
  const allowed = issue.values.map(String)
  const meant = wordMeant(issue.input, allowed)
  if (!issue.message.startsWith('Invalid '))
    return { ...wrongForm(issue.message), hint: meant === undefined ? undefined : `did you mean ${meant}?` }
  const hint = meant === undefined ? `write ${anyOf(allowed)}` : `did you mean ${meant}?`
  return { code: 'MSH0205', message: `${shown(issue.input)} is not one of: ${allowed.join(', ')}`, hint }
}

function outOfRange(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): Explanation {
  const big = issue.code === 'too_big'
  const limit = Number(big ? issue.maximum : issue.minimum)
  const bound = `${big ? 'at most' : 'at least'} ${limit}`
  if (issue.origin === 'array')
    return { code: 'MSH0206', message: `must have ${bound} ${limit === 1 ? 'entry' : 'entries'}` }
  if (issue.origin === 'string') return { code: 'MSH0206', message: `must have ${bound} characters` }
  return { code: 'MSH0206', message: `${shown(issue.input)} is out of range: must be ${bound}` }
}

function custom(issue: z.core.$ZodIssueCustom): Explanation {
  const { reason, hint } = (issue.params ?? {}) as IssueParams
  if (reason === undefined) return { ...wrongForm(issue.message), hint }
  const key = issue.path.at(-1)
  const message = reason === 'not-supported-yet' ? `\`${String(key)}\` is ${issue.message}` : issue.message
  return { code: REASON_CODES[reason], message, hint }
}

/** A schema's own words; where they say that a value is not supported yet, the code says it too. */
function wrongForm(message: string): Explanation {
  if (message.endsWith('not supported yet')) return { code: 'MSH0202', message }
  return { code: 'MSH0205', message: message.startsWith('Invalid ') ? 'has the wrong form' : message }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
}

function typeName(type: string): string {
  return TYPE_NAMES[type] ?? type
}

function nameOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeName(typeof value)
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? nameOf(value) : clip(JSON.stringify(value) ?? '')
}

function anyOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** Text cut to what a message can hold. */
export function clip(text: string): string {
  return text.length > LONGEST_SHOWN + 2 ? `${text.slice(0, LONGEST_SHOWN)}…` : text
}
