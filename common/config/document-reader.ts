import { compareProblems, type Location, type Problem } from '../problem.js'
import { claimEarlier } from './claim.js'
import { fileProblem, isAmong } from './directory.js'
import type { FileSet, TextFile } from './file-set.js'
import type { GoodDocument, LastGood } from './last-good.js'
import type { Located } from './located.js'
import { type Candidate, chooseUnique } from './unique.js'
import { readYaml, type YamlDocument } from './yaml.js'

/** What a kind of files makes of one document. */
export interface Interpreted<T> {
  /** What it is about, `route payments`, also of an invalid one where it can be told. */
  readonly identity: string | undefined
  /** Undefined where it is not valid. */
  readonly document: Located<T> | undefined
  readonly problems: readonly Problem[]
}

/** How documents of some directories are read. */
export interface DocumentRules<T> {
  readonly interpret: (document: YamlDocument) => Interpreted<T>
  /** Whether several documents of this identity are all in effect, instead of one. */
  readonly addsUp: (identity: string) => boolean
  /** What is said of a document that is not in effect because another of its identity is. */
  readonly duplicate: (refused: Located<T>, kept: Located<T>, identity: string) => Problem
}

/** What all files give together. */
export interface Documents<T> {
  /** Those in effect, in the order of files and lines. */
  readonly documents: readonly Located<T>[]
  /** Sorted. */
  readonly problems: readonly Problem[]
  readonly lastGood: LastGood
  /** What is written and not valid, and of which no earlier version is in effect. */
  readonly unheeded: readonly Unheeded[]
}

/** A document, or a file whose documents cannot be told apart, of which nothing is in effect. */
export interface Unheeded {
  readonly location: Location
  readonly text: string
  /** Whether it is kept as one that was in effect, and this version does not understand it. */
  readonly wasInEffect: boolean
}

interface FileState<T> {
  readonly text: string | undefined
  /** By line and text. */
  readonly present: ReadonlyMap<string, Interpreted<T>>
  readonly candidates: readonly Candidate<T>[]
  readonly problems: readonly Problem[]
  readonly unheeded: readonly Unheeded[]
}

/** What stays in effect of a file although it is not found there now. */
interface Kept<T> {
  readonly candidates: readonly Candidate<T>[]
  readonly notes: readonly Problem[]
  readonly unheeded: readonly Unheeded[]
}

const NOTHING_KEPT = { candidates: [], notes: [], unheeded: [] } as const

/**
 * Reads the documents of files, over and over, and keeps the last good version of what is invalid: of the whole file
 * where it cannot be read, is not YAML or has no document left, else of the document. Where an invalid document continues
 * none of the earlier ones, as in a file that was cut, all of them stay that nothing else continues. A document whose text and line did not change is the
 * same object each time.
 */
export class DocumentReader<T> {
  readonly #rules: DocumentRules<T>
  #files: ReadonlyMap<string, FileState<T>> = new Map()
  #inEffect: ReadonlyMap<string, readonly Candidate<T>[]> = new Map()
  #lastGood: LastGood

  /** @param lastGood what was in effect before this process started */
  constructor(rules: DocumentRules<T>, lastGood: LastGood = new Map()) {
    this.#rules = rules
    this.#lastGood = lastGood
  }

  /** @param now wall-clock milliseconds; the time that documents which take effect now carry */
  read({ files, hidden, absent = [], missed = [], problems }: FileSet, now: number): Documents<T> {
    const all = [...files, ...this.#unseen(files, [...hidden, ...absent])].sort((a, b) => (a.shown < b.shown ? -1 : 1))
    this.#files = new Map(all.map((file) => [file.shown, this.#readFile(file, now)]))
    const states = [...this.#files.values()]
    const { chosen, refused } = chooseUnique(
      states.flatMap(({ candidates }) => candidates),
      this.#rules.addsUp,
      this.#lastGood,
    )
    this.#inEffect = groupByFile(chosen)
    this.#lastGood = new Map(
      [...this.#inEffect].map(([file, candidates]) => [file, candidates.map(({ good }) => good)]),
    )
    const duplicates = refused.map(({ one, kept }) =>
      this.#rules.duplicate(one.document, kept.document, one.good.identity),
    )
    return {
      documents: chosen.map(({ document }) => document),
      problems: [
        ...problems,
        ...absent.flatMap((directory) => ofAbsent(directory, missed.includes(directory), this.#inEffect)),
        ...states.flatMap((state) => state.problems),
        ...duplicates,
      ].sort(compareProblems),
      lastGood: this.#lastGood,
      unheeded: states.flatMap((state) => state.unheeded),
    }
  }

  /** Files with documents in effect that may still be there: their directory is gone or cannot be looked at. */
  #unseen(files: readonly TextFile[], hidden: readonly string[]): readonly TextFile[] {
    if (hidden.length === 0) return []
    const seen = new Set(files.map(({ shown }) => shown))
    const unseen = [...this.#lastGood.keys()].filter((shown) => !seen.has(shown) && isAmong(shown, hidden))
    return unseen.map((shown) => ({ shown, text: undefined }))
  }

  #readFile(file: TextFile, now: number): FileState<T> {
    const before = this.#files.get(file.shown)
    if (file.text === undefined) return this.#holdFile(file, [])
    if (before?.text === file.text) return this.#refresh(before, file.shown)
    const { documents, problems } = readYaml(file.shown, file.text)
    if (problems.length > 0) return this.#holdFile(file, problems)
    if (documents.length === 0)
      return this.#holdFile(file, withoutDocument(file.shown, file.text, this.#earlier(file.shown)))
    const present = documents.map((document) => {
      const key = `${document.line}\n${document.text}`
      return { key, document, interpreted: before?.present.get(key) ?? this.#rules.interpret(document) }
    })
    const earlier = this.#earlier(file.shown)
    const claims = claimEarlier(
      earlier,
      present.map(({ document: { text }, interpreted: { identity, document } }) => ({
        identity,
        text,
        valid: document !== undefined,
      })),
    )
    const results = present.map(({ document, interpreted }, index) =>
      this.#settle(document, interpreted, claims.get(index), now),
    )
    const stray = present.some(({ interpreted: { document } }, index) => document === undefined && !claims.has(index))
    const continued = new Set(claims.values())
    const kept = stray
      ? this.#keep(
          file.shown,
          earlier.filter((one) => !continued.has(one)),
        )
      : NOTHING_KEPT
    return {
      text: file.text,
      present: new Map(present.map(({ key, interpreted }) => [key, interpreted])),
      candidates: [...results.flatMap(({ candidate }) => candidate ?? []), ...kept.candidates],
      problems: [...results.flatMap((result) => result.problems), ...kept.notes],
      unheeded: [...results.flatMap(({ unheeded }) => unheeded ?? []), ...kept.unheeded],
    }
  }

  /** The candidates of an unchanged file, with the times at which those that are in effect took effect. */
  #refresh(before: FileState<T>, shown: string): FileState<T> {
    const known = new Map(this.#earlier(shown).map((one) => [`${one.line}\n${one.text}`, one]))
    const candidates = before.candidates.map((candidate) => {
      const good = known.get(`${candidate.good.line}\n${candidate.good.text}`)
      return good === undefined || good === candidate.good ? candidate : { ...candidate, good }
    })
    return { ...before, candidates }
  }

  #earlier(shown: string): readonly GoodDocument[] {
    return this.#lastGood.get(shown) ?? []
  }

  /** A valid document as it is; of an invalid one what was in effect in its place. */
  #settle(written: YamlDocument, interpreted: Interpreted<T>, earlier: GoodDocument | undefined, now: number) {
    const { identity, document, problems } = interpreted
    if (document !== undefined && identity !== undefined) {
      const unchanged = earlier !== undefined && earlier.text === written.text
      const good = { identity, text: written.text, line: written.line, since: unchanged ? earlier.since : now }
      return { candidate: { file: written.location.file, good, document }, problems }
    }
    const candidate = earlier === undefined ? undefined : this.#restore(written.location.file, earlier)
    if (candidate === undefined) {
      const wasInEffect = earlier !== undefined
      return { candidate, problems, unheeded: { location: written.location, text: written.text, wasInEffect } }
    }
    const message = `${candidate.good.identity} is still in effect as of ${timeOf(candidate.good)}`
    const note: Problem = { ...written.location, code: 'MSH0106', severity: 'notice', path: '', message }
    return { candidate, problems: [...problems, note] }
  }

  #holdFile({ shown, text }: TextFile, problems: readonly Problem[]): FileState<T> {
    const earlier = this.#earlier(shown)
    const { candidates, notes, unheeded } = this.#keep(shown, earlier)
    const unknown = earlier.length === 0 && text !== undefined && problems.some(({ severity }) => severity === 'error')
    const own = unknown ? [{ location: { file: shown, line: 1, column: 1 }, text, wasInEffect: false }] : []
    return {
      text,
      present: new Map(),
      candidates,
      problems: [...problems, ...notes],
      unheeded: [...unheeded, ...own],
    }
  }

  /** Leaves in effect what was: nobody can tell whether it was taken away, or hidden by a mistake. */
  #keep(shown: string, goods: readonly GoodDocument[]): Kept<T> {
    const restored = goods.map((good) => ({ good, candidate: this.#restore(shown, good) }))
    const candidates = restored.flatMap(({ candidate }) => candidate ?? [])
    const unheeded = restored
      .filter(({ candidate }) => candidate === undefined)
      .map(({ good }) => ({
        location: { file: shown, line: good.line, column: 1 },
        text: good.text,
        wasInEffect: true,
      }))
    if (candidates.length === 0) return { candidates, notes: [], unheeded }
    const newest = candidates.map(({ good }) => good).reduce((a, b) => (a.since > b.since ? a : b))
    const count = candidates.length === 1 ? 'its document is' : `its ${candidates.length} documents are`
    const note = fileProblem(shown, 'MSH0106', `${count} still in effect as of ${timeOf(newest)}`, 'notice')
    return { candidates, notes: [note], unheeded }
  }

  /** The document itself where this process read it, else read again; undefined where this version refuses it. */
  #restore(file: string, good: GoodDocument): Candidate<T> | undefined {
    const known = this.#inEffect.get(file)?.find((candidate) => candidate.good === good)
    if (known !== undefined) return known
    const [written] = readYaml(file, '\n'.repeat(good.line - 1) + good.text).documents
    const document = written === undefined ? undefined : this.#rules.interpret(written).document
    return document === undefined ? undefined : { file, good, document }
  }
}

/** A file can be cut by mistake, and that must open nothing; who wants to withdraw what was in it removes the file. */
function withoutDocument(shown: string, text: string, earlier: readonly GoodDocument[]): readonly Problem[] {
  if (earlier.length > 0) {
    const hint = 'remove the file to take out of effect what was in it'
    return [{ ...fileProblem(shown, 'MSH0109', 'holds no document any more'), hint }]
  }
  // One of comments alone was written so.
  return text.trim() === '' ? [fileProblem(shown, 'MSH0109', 'is empty', 'notice')] : []
}

/**
 * A directory that does not exist is one that nobody made or one that is not mounted: what was in it stays in effect,
 * as an empty mesh is never what a lost disk means.
 */
function ofAbsent(directory: string, missed: boolean, inEffect: ReadonlyMap<string, unknown>): readonly Problem[] {
  const files = [...inEffect.keys()].filter((file) => isAmong(file, [directory]))
  if (files.length === 0) {
    const hint = 'make it, or name another one in the settings'
    return missed ? [{ ...fileProblem(directory, 'MSH0101', 'the directory does not exist'), hint }] : []
  }
  const message = 'the directory does not exist; the documents that were in it are still in effect'
  const hint = 'an empty directory in its place takes them out of effect'
  return [{ ...fileProblem(directory, 'MSH0101', message), hint }]
}

function groupByFile<T>(candidates: readonly Candidate<T>[]): ReadonlyMap<string, readonly Candidate<T>[]> {
  const files = new Map<string, Candidate<T>[]>()
  for (const candidate of candidates) {
    const others = files.get(candidate.file)
    if (others === undefined) files.set(candidate.file, [candidate])
    else others.push(candidate)
  }
  return files
}

function timeOf({ since }: GoodDocument): string {
  return new Date(since).toISOString()
}
