import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../problem.js'
import { delay } from '../tasks.js'
import { type FileOwner, type FoundFile, fileProblem, isAmong, listDirectories, readListed } from './directory.js'
import { watchEvents } from './directory-events.js'
import { Settling } from './settle.js'

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
  readonly problems: readonly Problem[]
}

/** How files are read, and what a test replaces. */
export interface FileSetOptions {
  /** Says why a file of this owner must not be read. */
  readonly refuse?: (owner: FileOwner) => Pick<Problem, 'message' | 'hint'> | undefined
  /** Files that may be there although their directory cannot be listed, by shown name: those with kept documents. */
  readonly known?: readonly string[]
  /** Milliseconds that never jump. */
  readonly now?: () => number
  readonly wallClock?: () => number
  readonly events?: typeof watchEvents
  /** How often directories are looked at although no event came, milliseconds. */
  readonly rescan?: number
}

const RESCAN_MS = 2_000

/** How long the first set waits for files that are being written, milliseconds. */
const FIRST_MS = 2_000

/** Reads all files as they are now, settled or not, as `mesh validate` does. */
export async function readFiles(directories: readonly string[], options: FileSetOptions = {}): Promise<FileSet> {
  const reader = new FileReader(directories, options)
  await reader.look(Number.POSITIVE_INFINITY)
  return reader.fileSet
}

/**
 * Yields all files of the directories, and again after each change that has settled, until the signal aborts. Never
 * yields a half-written text: a file that does not come to rest is there without text, at first, or with its old one.
 */
export async function* watchFiles(
  directories: readonly string[],
  signal: AbortSignal,
  options: FileSetOptions = {},
): AsyncGenerator<FileSet> {
  const { now = () => performance.now(), events = watchEvents, rescan = RESCAN_MS } = options
  let wake = new AbortController()
  const stop = events(directories, () => wake.abort())
  const reader = new FileReader(directories, options)
  const started = now()
  let yielded: FileSet | undefined
  try {
    while (!signal.aborted) {
      wake = new AbortController()
      const wakeAt = (await reader.look()) ?? Number.POSITIVE_INFINITY
      const ready = yielded !== undefined || wakeAt === Number.POSITIVE_INFINITY || now() - started >= FIRST_MS
      if (ready && !isDeepStrictEqual(yielded, reader.fileSet)) {
        yielded = reader.fileSet
        yield yielded
      }
      const pause = Math.max(1, Math.min(rescan, wakeAt - now()))
      await delay(pause, AbortSignal.any([signal, wake.signal]))
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
  #problems: readonly Problem[] = []

  constructor(directories: readonly string[], options: FileSetOptions) {
    this.#directories = directories
    this.#options = options
  }

  get fileSet(): FileSet {
    const known = [...this.#known.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1))
    return {
      files: known.map(({ shown, text }) => ({ shown, text })),
      problems: [...this.#problems, ...known.flatMap(({ problem }) => problem ?? [])],
    }
  }

  /**
   * Takes what has settled.
   *
   * @param assumedAge how long ago files that are seen for the first time count as written; by the clock unless given
   * @returns when to look again, where something has not settled
   */
  async look(assumedAge?: number): Promise<number | undefined> {
    const { now = () => performance.now(), wallClock = Date.now } = this.#options
    const { files, hidden, problems } = await listDirectories(this.#directories)
    const settled = this.#settling.observe({
      files: new Map(files.map((file) => [file.path, file.stat])),
      now: now(),
      ageOf: ({ changed }) => assumedAge ?? wallClock() - Number(changed / 1_000_000n),
      isHidden: (path) => isAmong(path, hidden),
    })
    for (const path of settled.gone) this.#known.delete(path)
    for (const file of files) {
      if (settled.take.includes(file.path)) await this.#take(file)
      else if (!this.#known.has(file.path)) this.#known.set(file.path, { path: file.path, shown: file.shown, text: undefined })
    }
    const shrunk = files.filter(({ path }) => settled.shrunk.includes(path))
    this.#problems = [...problems, ...shrunk.map(({ shown }) => shrunkProblem(shown))]
    return settled.wakeAt
  }

  /** A text that cannot be had now leaves the one before in place. What cannot be read is tried again at each look. */
  async #take(file: FoundFile): Promise<void> {
    const { path, shown, stat } = file
    const before = this.#known.get(path)
    const content = await readListed(file, this.#options.refuse)
    if (content === undefined) return
    if ('text' in content) {
      this.#settling.taken(path, stat)
      this.#known.set(path, { path, shown, text: content.text })
    } else {
      if (content.problem.code !== 'MSH0101') this.#settling.taken(path, stat)
      this.#known.set(path, { path, shown, text: before?.text, problem: content.problem })
    }
  }
}

function shrunkProblem(shown: string): Problem {
  const message = 'shrank to less than half by a write in place; it is taken when nothing follows for 5 seconds'
  return fileProblem(shown, 'MSH0105', message, 'notice')
}
