import type { Problem } from '../problem.js'
import type { GoodDocument, LastGood } from './accepted.js'
import type { FileSet, TextFile } from './stable-files.js'
import type { Located } from './located.js'
import { readYaml, type YamlDocument } from './yaml.js'

/** What a reader makes of one document. */
export interface ParsedDocument<T> {
  /** What the document is about: `route payments`; undefined where even that cannot be told. */
  readonly identity: string | undefined
  /** Undefined where it is not valid. */
  readonly document: Located<T> | undefined
  readonly problems: readonly Problem[]
}

/** An accepted document with what it is about. */
export interface AcceptedDocument<T> {
  readonly identity: string
  readonly document: Located<T>
}

/** What all files give together. */
export interface Documents<T> {
  /** In the order of files and lines. */
  readonly accepted: readonly AcceptedDocument<T>[]
  readonly problems: readonly Problem[]
  readonly lastGood: LastGood
}

interface FileResult<T> {
  readonly accepted: readonly (AcceptedDocument<T> & { readonly good: GoodDocument })[]
  readonly problems: readonly Problem[]
}

/**
 * Reads documents from files and keeps what was good: a syntax error holds the whole file as it last was, any other
 * error the document. A file that did not change is not read again, so its documents are the same objects.
 */
export class DocumentReader<T> {
  readonly #parse: (document: YamlDocument, file: TextFile) => ParsedDocument<T>
  #results = new Map<string, { readonly text: string; readonly result: FileResult<T> }>()
  #lastGood: LastGood

  /** @param lastGood what was accepted before this process started */
  constructor(parse: (document: YamlDocument, file: TextFile) => ParsedDocument<T>, lastGood: LastGood = new Map()) {
    this.#parse = parse
    this.#lastGood = lastGood
  }

  /** @param now wall-clock milliseconds, told of documents that are accepted now */
  read({ files, problems }: FileSet, now: number): Documents<T> {
    const results = new Map<string, { text: string; result: FileResult<T> }>()
    for (const file of files) {
      const known = this.#results.get(file.shown)
      const result = known?.text === file.text ? known.result : this.#readFile(file, now)
      results.set(file.shown, { text: file.text, result })
    }
    this.#results = results
    const all = [...results.values()].map(({ result }) => result)
    this.#lastGood = new Map(
      [...results].map(([shown, { result }]) => [shown, result.accepted.map(({ good }) => good)]),
    )
    return {
      accepted: all.flatMap(({ accepted }) => accepted),
      problems: [...problems, ...all.flatMap((result) => result.problems)],
      lastGood: this.#lastGood,
    }
  }

  #readFile(file: TextFile, now: number): FileResult<T> {
    const before = this.#lastGood.get(file.shown) ?? []
    const { documents, problems } = readYaml(file.shown, file.text)
    if (problems.length > 0) return this.#hold(file, before, problems)
    const parsed = documents.map((document) => this.#parse(document, file))
    const accepted = parsed.flatMap(({ identity, document }) => {
      if (identity === undefined || document === undefined) return []
      const unchanged = before.find((one) => one.identity === identity && one.text === file.text)
      return [{ identity, document, good: unchanged ?? { identity, text: file.text, since: now } }]
    })
    const present = new Set(parsed.flatMap(({ identity }) => identity ?? []))
    const nameless = parsed.some(({ identity }) => identity === undefined)
    const broken = parsed.flatMap(({ identity, document }) => (document === undefined ? (identity ?? []) : []))
    const held = before.filter(({ identity }) => broken.includes(identity) || (nameless && !present.has(identity)))
    const faults = parsed.flatMap((one) => one.problems)
    const rest = this.#hold(file, held, faults)
    return { accepted: [...accepted, ...rest.accepted], problems: rest.problems }
  }

  /** Takes documents as they last were, and says so beside what is wrong now. */
  #hold(file: TextFile, held: readonly GoodDocument[], faults: readonly Problem[]): FileResult<T> {
    const accepted = held.flatMap((good) => {
      const { documents } = readYaml(file.shown, good.text)
      const found = documents
        .map((document) => this.#parse(document, file))
        .find(({ identity }) => identity === good.identity)
      return found?.document === undefined ? [] : [{ identity: good.identity, document: found.document, good }]
    })
    const notes = accepted.map(({ identity, good }): Problem => {
      const message = `${identity} is still in effect as it was taken at ${new Date(good.since).toISOString()}`
      const place = faults[0] ?? { file: file.shown, line: 1, column: 1 }
      const { line, column } = place
      return { file: file.shown, line, column, code: 'MSH0106', severity: 'notice', path: '', message }
    })
    return { accepted, problems: [...faults, ...notes] }
  }
}
