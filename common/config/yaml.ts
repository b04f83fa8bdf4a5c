/**
 * The only door to YAML: text in, documents of plain values with their places out.
 *
 * The parser's own checks for duplicate keys and its expansion of aliases are not used: both take time that grows with
 * the square of the text or worse. Reading any text of 1 MiB takes well under a second.
 */
import { Composer, type Document, isAlias, isMap, isNode, isScalar, isSeq, Lexer, type Pair, Parser } from 'yaml'
import type { Location, Problem } from '../problem.js'
import type { DocumentPath } from './located.js'
import { lineFinder, type Place, placeAt } from './places.js'
import { faultOf, keyFault, type SyntaxFault, syntaxProblems } from './syntax-faults.js'
import { numberFault, textFaults } from './text-faults.js'

/** Limits of one file, against texts that are small and take long. */
export const YAML_LIMITS = { tokens: 250_000, depth: 32, aliases: 64, expandedValues: 250_000 } as const

/** One YAML document as it was written, before any schema. */
export interface YamlDocument {
  readonly value: unknown
  /** Its part of the file's text from the line of its first key on, and the number of that line. */
  readonly text: string
  readonly line: number
  /** Where its first key stands. */
  readonly location: Location
  /** As of `Located`: the node at a path, or the nearest one above it; a map's entry is located at its key. */
  readonly locate: (path: DocumentPath) => Location
  /** How the number, boolean or null at a path was spelt. */
  readonly sourceAt: (path: DocumentPath) => string | undefined
}

/**
 * Reads the documents of a text. Empty ones are left out. With any problem there are no documents at all: half a file
 * never counts.
 *
 * @param file the name that locations carry
 */
export function readYaml(
  file: string,
  text: string,
): { readonly documents: readonly YamlDocument[]; readonly problems: readonly Problem[] } {
  const faults: SyntaxFault[] = [...textFaults(text)]
  const documents: YamlDocument[] = []
  const locate = lineFinder(file, text)
  for (const document of compose(text, faults)) {
    if (document.errors.length > 0) continue
    const { value, place } = convertDocument(document, faults)
    if (isEmpty(document)) continue
    documents.push({
      value,
      text: text.slice(text.lastIndexOf('\n', place.at - 1) + 1, document.range[2]),
      line: locate(place.at).line,
      location: locate(place.at),
      locate: (path) => locate(placeAt(place, path).at),
      sourceAt: (path) => placeAt(place, path).source,
    })
  }
  return faults.length === 0
    ? { documents, problems: [] }
    : { documents: [], problems: syntaxProblems(file, text, faults) }
}

function isEmpty({ contents }: Document.Parsed): boolean {
  return contents === null || (isScalar(contents) && contents.value === null && (contents.source ?? '') === '')
}

function compose(text: string, faults: SyntaxFault[]): readonly Document.Parsed[] {
  const quotes: number[] = []
  const tokens = tokenize(text, faults, quotes)
  if (tokens === undefined) return []
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const documents = withoutStackTraces(() => [...composer.compose(tokens, false, text.length)])
  for (const { errors, warnings } of documents) {
    const first = errors[0] ?? warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED' || code === 'BAD_DIRECTIVE')
    if (first !== undefined) faults.push(faultOf(first, quotes))
  }
  return documents as readonly Document.Parsed[]
}

/**
 * The concrete syntax, or undefined where a limit is reached: what is composed from it is composed recursively.
 *
 * @param quotes gets the places of quotes that nothing closes
 */
function tokenize(text: string, faults: SyntaxFault[], quotes: number[]) {
  const parser = new Parser()
  const tokens = []
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (isOpenQuote(lexeme)) quotes.push(parser.offset)
    for (const token of parser.next(lexeme)) tokens.push(token)
    if (++count > YAML_LIMITS.tokens) {
      const message = `more than ${YAML_LIMITS.tokens} tokens in one file`
      faults.push({ code: 'MSH0102', message, hint: 'split the file', at: parser.offset })
      return undefined
    }
    if (depthOf(parser) > YAML_LIMITS.depth) {
      const message = `maps and lists are nested more than ${YAML_LIMITS.depth} deep`
      faults.push({ code: 'MSH0113', message, at: parser.offset })
      return undefined
    }
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

/** Whether a quote begins here that nothing closes. */
function isOpenQuote(lexeme: string): boolean {
  const quote = lexeme[0]
  return (quote === '"' || quote === "'") && (lexeme.length === 1 || lexeme.at(-1) !== quote)
}

function depthOf({ stack }: Parser): number {
  if (stack.length <= YAML_LIMITS.depth) return 0
  return stack.filter(({ type }) => type === 'block-map' || type === 'block-seq' || type === 'flow-collection').length
}

/** A text can hold a hundred thousand mistakes; their stack traces, which nobody reads, would take seconds. */
function withoutStackTraces<T>(run: () => T): T {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = limit
  }
}

interface Converted {
  readonly value: unknown
  readonly place: Place
  /** How many values it holds with aliases expanded. */
  readonly size: number
}

interface Conversion {
  readonly faults: SyntaxFault[]
  readonly anchors: Map<string, Converted>
  aliases: number
}

function convertDocument(document: Document.Parsed, faults: SyntaxFault[]): Converted {
  const conversion = { faults, anchors: new Map<string, Converted>(), aliases: 0 }
  const at = document.range[0]
  if (document.directives.yaml.explicit === true && document.directives.yaml.version !== '1.2')
    faults.push(faultOf({ code: 'BAD_DIRECTIVE', message: '', pos: [at] }))
  const converted = convert(document.contents, at, conversion)
  if (converted.size > YAML_LIMITS.expandedValues) {
    const message = `aliases expand to more than ${YAML_LIMITS.expandedValues} values`
    faults.push({ code: 'MSH0114', message, at: converted.place.at })
  }
  return converted
}

function convert(node: unknown, near: number, conversion: Conversion): Converted {
  if (isAlias(node)) return convertAlias(node.source, node.range?.[0] ?? near, conversion)
  const converted = convertPlain(node, near, conversion)
  const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined
  if (anchor !== undefined) conversion.anchors.set(anchor, converted)
  return converted
}

function convertPlain(node: unknown, near: number, conversion: Conversion): Converted {
  if (isMap(node)) return convertMap(node.items, node.range?.[0] ?? near, conversion)
  if (isSeq(node)) return convertList(node.items, node.range?.[0] ?? near, conversion)
  if (!isScalar(node)) return { value: null, place: { at: near }, size: 1 }
  const { value, source } = node
  const at = node.range?.[0] ?? near
  const fault = typeof value === 'number' && source !== undefined ? numberFault(source, value) : undefined
  if (fault !== undefined) conversion.faults.push({ ...fault, at })
  return { value, place: typeof value === 'string' || source === undefined ? { at } : { at, source }, size: 1 }
}

function convertAlias(name: string, at: number, conversion: Conversion): Converted {
  const nothing = { value: null, place: { at }, size: 1 }
  if (++conversion.aliases > YAML_LIMITS.aliases) {
    const message = `more than ${YAML_LIMITS.aliases} aliases in one document`
    conversion.faults.push({ code: 'MSH0114', message, at })
    return nothing
  }
  const target = conversion.anchors.get(name)
  if (target !== undefined) return target
  const hint = 'put text that starts with "*" in quotes'
  conversion.faults.push({ code: 'MSH0115', message: `no anchor &${name} stands before this alias`, hint, at })
  return nothing
}

function convertList(nodes: readonly unknown[], at: number, conversion: Conversion): Converted {
  const converted = nodes.map((node) => convert(node, at, conversion))
  return {
    value: converted.map(({ value }) => value),
    place: { at, items: new Map(converted.map(({ place }, index) => [index, place])) },
    size: converted.reduce((sum, { size }) => sum + size, 1),
  }
}

function convertMap(pairs: readonly Pair[], at: number, conversion: Conversion): Converted {
  const value: Record<string, unknown> = {}
  const items = new Map<string, Place>()
  let size = 1
  for (const { key, value: node } of pairs) {
    const keyAt = isNode(key) ? (key.range?.[0] ?? at) : at
    const name = keyText(key)
    const fault = keyFault(name, name !== undefined && items.has(name))
    if (fault !== undefined) conversion.faults.push({ ...fault, at: keyAt })
    const entry = convert(node, keyAt, conversion)
    size += entry.size
    if (name === undefined || fault !== undefined) continue
    value[name] = entry.value
    items.set(name, { ...entry.place, at: keyAt })
  }
  return { value, place: { at, items }, size }
}

/** `503: x` has the key `503` and `1.10: x` the key `1.10`: what was written counts, not the number. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined
  if (typeof key.value === 'string') return key.value
  return key.source === undefined || key.source === '' ? undefined : key.source
}
