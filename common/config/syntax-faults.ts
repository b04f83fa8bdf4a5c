import type { Problem } from '../problem.js'
import type { ProblemCode } from './codes.js'
import { lineFinder } from './places.js'

/** Something that keeps a whole text from being read as documents. */
export interface SyntaxFault {
  readonly code: ProblemCode
  readonly message: string
  readonly hint?: string
  /** Offset into the text. */
  readonly at: number
}

/** How many faults of one text are told: those after them mostly follow from the first. */
const MOST_FAULTS = 5

/** Turns faults into problems of a file: in the order of the text, each place once, the first few. */
export function syntaxProblems(file: string, text: string, faults: readonly SyntaxFault[]): readonly Problem[] {
  const locate = lineFinder(file, text)
  const sorted = faults.toSorted((a, b) => a.at - b.at)
  const distinct = sorted.filter((fault, index) => fault.at !== sorted[index - 1]?.at)
  return distinct.slice(0, MOST_FAULTS).map(({ code, message, hint, at }) => ({
    ...locate(at),
    code,
    severity: 'error',
    path: '',
    message,
    ...(hint === undefined ? {} : { hint }),
  }))
}

/**
 * The fault behind an error or warning of the YAML parser, in words for people who do not know its grammar.
 *
 * @param quotes where quotes begin that nothing closes; the parser only tells where the text ends
 */
export function faultOf(
  error: { readonly code: string; readonly message: string; readonly pos: readonly number[] },
  quotes: readonly number[] = [],
): SyntaxFault {
  const [quote] = quotes
  if (quote !== undefined && /Missing closing .*quote/.test(error.message))
    return { code: 'MSH0110', message: 'not YAML: nothing closes this quote', hint: 'close it', at: quote }
  const at = error.pos[0] ?? 0
  const known = EXPLANATIONS[error.code]
  if (known !== undefined) return { ...known, at }
  const message = error.message.split('\n')[0] ?? ''
  return { code: 'MSH0110', message: `not YAML: ${lowerFirst(message).replace(/\.$/, '')}`, at }
}

const EXPLANATIONS: Readonly<Record<string, Omit<SyntaxFault, 'at'>>> = {
  TAB_AS_INDENT: { code: 'MSH0111', message: 'a tab indents the line', hint: 'indent with spaces' },
  BAD_INDENT: {
    code: 'MSH0110',
    message: 'not YAML: the line is indented unlike those that it belongs to',
    hint: 'align the keys of one map and the dashes of one list, and close brackets and quotes before it; " #" starts a comment',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    code: 'MSH0110',
    message: 'not YAML: two keys on one line',
    hint: 'start a new line, write { … } around them, or quote a value that holds ": " or ends with ":"',
  },
  MULTILINE_IMPLICIT_KEY: {
    code: 'MSH0110',
    message: 'not YAML: a line without "key: value"',
    hint: 'put a colon and a space after the key, and align the keys of one map',
  },
  MISSING_CHAR: {
    code: 'MSH0110',
    message: 'not YAML: something is missing here',
    hint: 'close the quote or bracket that is open, or put ": " after the key',
  },
  UNEXPECTED_TOKEN: {
    code: 'MSH0110',
    message: 'not YAML: something is too much here',
    hint: 'put a value with special characters in quotes as a whole, and align the keys of one map',
  },
  BAD_SCALAR_START: {
    code: 'MSH0110',
    message: 'not YAML: a value cannot start like this without quotes',
    hint: 'put the value in quotes',
  },
  BAD_COLLECTION_TYPE: {
    code: 'MSH0117',
    message: 'YAML tags are not part of the language',
    hint: 'remove the tag',
  },
  TAG_RESOLVE_FAILED: { code: 'MSH0117', message: 'YAML tags are not part of the language', hint: 'remove the tag' },
  BAD_ALIAS: {
    code: 'MSH0115',
    message: 'a `*` without quotes is an alias',
    hint: 'put text that starts with "*" in quotes: "*"',
  },
  BAD_DIRECTIVE: {
    code: 'MSH0117',
    message: 'YAML directives are not part of the language',
    hint: 'remove the line that starts with "%"',
  },
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}

/**
 * What is wrong with a key of a map.
 *
 * @param name undefined where it is no plain text
 * @param earlier whether the map has it already
 */
export function keyFault(name: string | undefined, earlier: boolean): Omit<SyntaxFault, 'at'> | undefined {
  if (name === undefined) {
    const hint = 'template placeholders such as {{ name }} are not filled in here'
    return { code: 'MSH0116', message: 'a key must be plain text', hint }
  }
  if (earlier) return { code: 'MSH0112', message: `key \`${clip(name)}\` stands twice in one map` }
  // An object with such a key of its own cannot even be told in a message.
  if (NEVER_KEYS.has(name)) return { code: 'MSH0116', message: `\`${name}\` is never a key` }
  if (name !== '<<') return undefined
  return { code: 'MSH0116', message: '`<<` (merge) is not part of YAML 1.2', hint: 'write the keys out' }
}

const NEVER_KEYS: ReadonlySet<string> = new Set(['__proto__', 'toString', 'valueOf'])

function clip(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name
}
