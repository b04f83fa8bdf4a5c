import type { Problem } from '../problem.js'
import { delay } from '../tasks.js'
import { watchEvents } from './events.js'
import { type FoundFile, fileProblem, listDirectories, readListed } from './listing.js'
import { Settling } from './settling.js'

/** The text of a file that is stable. */
export interface TextFile {
  /** As people know it. */
  readonly shown: string
  readonly text: string
  readonly owner: FoundFile['owner']
}

/** All files of some directories, in lexical order; a file that did not change is the same object as before. */
export interface FileSet {
  readonly files: readonly TextFile[]
  readonly problems: readonly Problem[]
}

/** How often directories are looked at although no event came, milliseconds. */
const RESCAN_MS = 2_000

/** Reads all files as they are now, as `mesh validate` does. */
export async function readFiles(directories: readonly string[]): Promise<FileSet> {
  return (await openFiles(directories)).first
}

/** Files that were read once and can be followed from there. */
export interface OpenFiles {
  readonly first: FileSet
  /** Yields all files again after each change that has settled, until the signal aborts; never a half-written one. */
  readonly changes: (signal: AbortSignal) => AsyncGenerator<FileSet>
}

/** Reads all files of the directories, and is ready to tell what changes from then on. */
export async function openFiles(directories: readonly string[]): Promise<OpenFiles> {
  const reader = new FileReader(directories)
  const first = await reader.readAll()
  return { first, changes: (signal) => followFiles(directories, reader, signal) }
}

async function* followFiles(
  directories: readonly string[],
  reader: FileReader,
  signal: AbortSignal,
): AsyncGenerator<FileSet> {
  let wake = new AbortController()
  const stop = watchEvents(directories, () => wake.abort())
  try {
    while (!signal.aborted) {
      if (await reader.look()) yield reader.fileSet
      const wakeAt = reader.wakeAt ?? Number.POSITIVE_INFINITY
      await delay(Math.max(1, Math.min(RESCAN_MS, wakeAt - performance.now())), AbortSignal.any([signal, wake.signal]))
      wake = new AbortController()
    }
  } finally {
    await stop()
  }
}

/** Holds the texts that were taken, and takes new ones when they have settled. */
class FileReader {
  readonly #directories: readonly string[]
  readonly #settling = new Settling()
  readonly #texts = new Map<string, TextFile>()
  #problems: readonly Problem[] = []
  wakeAt: number | undefined

  constructor(directories: readonly string[]) {
    this.#directories = directories
  }

  get fileSet(): FileSet {
    const files = [...this.#texts.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1))
    return { files, problems: this.#problems }
  }

  /** Takes everything as it is, without waiting: there is nothing older that could be kept instead. */
  async readAll(): Promise<FileSet> {
    const { files, problems } = await listDirectories(this.#directories)
    const failures = await this.#read(files)
    this.#problems = [...problems, ...failures]
    return this.fileSet
  }

  /** Takes what has settled. @returns whether anything is different */
  async look(): Promise<boolean> {
    const { files, problems } = await listDirectories(this.#directories)
    const stats = new Map(files.map((file) => [file.path, file.stat]))
    const { take, gone, shrunk, wakeAt } = this.#settling.observe(stats, performance.now())
    this.wakeAt = wakeAt
    for (const path of gone) this.#texts.delete(path)
    const failures = await this.#read(files.filter(({ path }) => take.has(path)))
    const held = files.filter(({ path }) => shrunk.includes(path)).map(({ shown }) => shrunkProblem(shown))
    const now = [...problems, ...failures, ...held]
    const different = JSON.stringify(now) !== JSON.stringify(this.#problems)
    this.#problems = now
    return take.size > 0 || gone.length > 0 || different
  }

  async #read(files: readonly FoundFile[]): Promise<readonly Problem[]> {
    const problems: Problem[] = []
    for (const file of files) {
      try {
        const text = await readListed(file)
        if (text === undefined) continue
        this.#settling.taken(file.path, file.stat)
        this.#texts.set(file.path, { shown: file.shown, text, owner: file.owner })
      } catch (error) {
        problems.push(fileProblem(file.shown, 'MSH0101', (error as Error).message))
      }
    }
    return problems
  }
}

function shrunkProblem(shown: string): Problem {
  const message = 'shrank to less than half by a write in place; it is taken when nothing follows for 5 seconds'
  return fileProblem(shown, 'MSH0105', message, 'notice')
}
