import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../problem.js'
import { delay } from '../tasks.js'
import { type FoundFile, fileProblem, isAmong, listDirectories } from './directory.js'
import { watchEvents } from './directory-events.js'
import { type FileOwner, readListed } from './read-file.js'
import { Settling, STABLE_MS } from './settle.js'

/** A file that holds documents. */
export interface TextFile {
  /** As people know it: `routes.d/payments.yaml`; no two files of a set share it. */
  readonly shown: string
  /** Its last settled text; undefined where it is there but could not be read yet. */
  readonly text: string | undefined
}

/** All files of some directories, in lexical order. */
export interface FileSet {
  readonly files: readonly TextFile[]
  /** Shown names of files and directories that cannot be looked at: nobody knows whether something is there. */
  readonly hidden: readonly string[]
  /** Shown names of directories that do not exist; undefined where that is not looked at. */
  readonly absent?: readonly string[]
  /** Those of them that somebody asked for, so that it is a mistake. */
  readonly missed?: readonly string[]
  readonly problems: readonly Problem[]
}

/** How files are read, and what a test replaces. */
export interface FileSetOptions {
  /** Says why a file of this owner must not be read. */
  readonly refuse?: (owner: FileOwner) => Pick<Problem, 'message' | 'hint'> | undefined
  /** Those of the directories that have to be there. */
  readonly needed?: readonly string[]
  readonly events?: typeof watchEvents
  /** Called each time when all directories could be looked at. */
  readonly looked?: () => void
  /** How often directories are looked at although no event came, milliseconds. */
  readonly rescan?: number
}

const RESCAN_MS = 2_000

/** How long the first set waits for files that are being written, milliseconds. */
const FIRST_MS = 2_000

/** Events of one change come in bunches; the first of them is waited out for so long, milliseconds. */
const BUNCH_MS = 20

/** Reads all files as they are now, as `mesh validate` does; waits only for those that change while they are read. */
export async function readFiles(directories: readonly string[], options: FileSetOptions = {}): Promise<FileSet> {
  const reader = new FileReader(directories, options)
  const end = performance.now() + FIRST_MS
  while ((await reader.look(Number.POSITIVE_INFINITY)) !== undefined && performance.now() < end)
    await delay(BUNCH_MS, NEVER)
  return reader.fileSet
}

const NEVER = new AbortController().signal

/**
 * Yields all files of the directories, and again after each change that has settled, until the signal aborts. Never
 * yields a half-written text: a file that does not come to rest is there without text, at first, or with its old one.
 */
export async function* watchFiles(
  directories: readonly string[],
  signal: AbortSignal,
  options: FileSetOptions = {},
): AsyncGenerator<FileSet> {
  const { events = watchEvents, rescan = RESCAN_MS } = options
  let wake = new AbortController()
  const stop = events(directories, () => wake.abort())
  const reader = new FileReader(directories, options)
  const firstEnds = performance.now() + FIRST_MS
  let yielded: FileSet | undefined
  try {
    while (!signal.aborted) {
      wake = new AbortController()
      const wakeAt = (await reader.look()) ?? Number.POSITIVE_INFINITY
      if (reader.fileSet.hidden.length === 0) options.looked?.()
      const ready = yielded !== undefined || wakeAt === Number.POSITIVE_INFINITY || performance.now() >= firstEnds
      if (ready && !isDeepStrictEqual(yielded, reader.fileSet)) {
        reader.started = true
        yielded = reader.fileSet
        yield yielded
      }
      const pause = Math.max(1, Math.min(rescan, wakeAt - performance.now()))
      await delay(pause, signal, wake.signal)
      if (wake.signal.aborted) await delay(BUNCH_MS, signal)
    }
  } finally {
    await stop()
  }
}

interface KnownFile extends TextFile {
  readonly path: string
  readonly problem?: Problem
}

/** Holds the texts that were taken, and takes new ones when they have settled. */
class FileReader {
  readonly #directories: readonly string[]
  readonly #options: FileSetOptions
  readonly #settling = new Settling()
  readonly #known = new Map<string, KnownFile>()
  #hidden: readonly string[] = []
  /** Paths of which nothing was known at the look before. */
  #unseen: readonly string[] = []
  #absent: readonly string[] = []
  #missed: readonly string[] = []
  #problems: readonly Problem[] = []
  /** Whether a set was handed out: until then a file that has not come to rest is told, later it is just not there. */
  started = false

  constructor(directories: readonly string[], options: FileSetOptions) {
    this.#directories = directories
    this.#options = options
  }

  get fileSet(): FileSet {
    const known = [...this.#known.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1))
    return {
      files: known.map(({ shown, text }) => ({ shown, text })),
      hidden: this.#hidden,
      absent: this.#absent,
      missed: this.#missed,
      problems: [...this.#problems, ...known.flatMap(problemsOf)],
    }
  }

  /**
   * Takes what has settled.
   *
   * @param assumedAge how long ago files that are seen for the first time count as written; by the clock unless given
   * @returns when to look again, where something has not settled
   */
  async look(assumedAge?: number): Promise<number | undefined> {
    const now = performance.now()
    const { files, hidden, absent, problems } = await listDirectories(this.#directories)
    const hiddenPaths = [...hidden, ...absent].map(({ path }) => path)
    const settled = this.#settling.observe({
      files: new Map(files.map((file) => [file.path, file.stat])),
      now,
      ageOf: ({ changed }) => (this.started ? 0 : (assumedAge ?? Date.now() - Number(changed / 1_000_000n))),
      isHidden: (path) => isAmong(path, hiddenPaths),
    })
    for (const path of settled.gone) this.#known.delete(path)
    const listed = new Set(files.map(({ path }) => path))
    for (const { path, text } of this.#known.values()) {
      if (text === undefined && !listed.has(path) && !isAmong(path, hiddenPaths)) this.#known.delete(path)
    }
    const returned = this.#unseen
    this.#unseen = hiddenPaths
    const take = new Set(settled.take)
    let changing = false
    for (const file of files) {
      if (take.has(file.path)) changing = !(await this.#take(file)) || changing
      // It may be one whose last good documents are in effect, so that it must not count as gone while it settles.
      else if ((!this.started || isAmong(file.path, returned)) && !this.#known.has(file.path))
        this.#known.set(file.path, { ...file, text: undefined })
    }
    const shrunk = new Set(settled.shrunk)
    const held = files.filter(({ path }) => shrunk.has(path)).map(({ shown }) => shrunkProblem(shown))
    this.#hidden = hidden.map(({ shown }) => shown)
    this.#absent = absent.map(({ shown }) => shown)
    const needed = new Set(this.#options.needed?.map((directory) => resolve(directory)))
    this.#missed = absent.filter(({ path }) => needed.has(path)).map(({ shown }) => shown)
    this.#problems = [...problems, ...held]
    return changing ? now + STABLE_MS : settled.wakeAt
  }

  /**
   * A text that cannot be had leaves the one before in place. What cannot be read is tried again at each look.
   *
   * @returns whether the file is still what was listed
   */
  async #take(file: FoundFile): Promise<boolean> {
    const { path, shown, stat } = file
    const content = await readListed(file, this.#options.refuse)
    const text = this.#known.get(path)?.text
    if (content === undefined) {
      if (!this.started && text === undefined) this.#known.set(path, { path, shown, text })
      return false
    }
    if ('text' in content) this.#known.set(path, { path, shown, text: content.text })
    else this.#known.set(path, { path, shown, text, problem: content.problem })
    if ('text' in content || content.problem.code !== 'MSH0101') this.#settling.taken(path, stat)
    return true
  }
}

function problemsOf({ shown, text, problem }: KnownFile): readonly Problem[] {
  if (problem !== undefined) return [problem]
  return text === undefined
    ? [fileProblem(shown, 'MSH0108', 'is being written; it is read when it rests', 'notice')]
    : []
}

function shrunkProblem(shown: string): Problem {
  const message =
    'shrank to less than half by a write in place; what it says now is judged when nothing follows for 5 seconds'
  return fileProblem(shown, 'MSH0105', message, 'notice')
}
