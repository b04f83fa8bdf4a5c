import { dirname, join } from 'node:path'
import { z } from 'zod'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../files.js'
import type { Log } from '../log.js'

const goodDocument = z.strictObject({
  identity: z.string(),
  text: z.string(),
  line: z.int().min(1),
  since: z.number(),
})

/** A document as it was last in effect; its text and line are enough to read it again. */
export interface GoodDocument {
  /** What it is about: `route payments`. */
  readonly identity: string
  /** Its own part of the file's text. */
  readonly text: string
  /** The line of the file on which the text starts. */
  readonly line: number
  /** When it took effect, wall-clock milliseconds. */
  readonly since: number
}

/** The documents in effect, by their file's shown name. */
export type LastGood = ReadonlyMap<string, readonly GoodDocument[]>

const stored = z.strictObject({ version: z.literal(1), files: z.record(z.string(), z.array(goodDocument)) })

/** Keeps on disk which documents are in effect, so that a restart beside an invalid file changes nothing. */
export class LastGoodStore {
  readonly #path: string
  readonly #log: Log
  #written = ''

  /** @param name of the file in the state directory: one for each kind of documents */
  constructor(stateDirectory: string, name: string, log: Log) {
    this.#path = join(stateDirectory, name)
    this.#log = log
  }

  /**
   * Reads what was kept; undefined where nothing was, or it is damaged, which is reported: it matters only beside invalid
   * documents and directories that are not there.
   */
  async read(): Promise<LastGood | undefined> {
    try {
      const text = await readIfPresent(this.#path)
      return text === undefined ? undefined : new Map(Object.entries(stored.parse(JSON.parse(text)).files))
    } catch (error) {
      this.#log.warn('the last good documents cannot be read back', { path: this.#path, error })
      return undefined
    }
  }

  /** Keeps what is in effect now. A disk that refuses is reported; the documents stay in effect until a restart. */
  async write(lastGood: LastGood): Promise<void> {
    const text = JSON.stringify({ version: 1, files: Object.fromEntries(lastGood) })
    if (text === this.#written) return
    try {
      await makeDirectory(dirname(this.#path))
      await writeFileAtomically(this.#path, text)
      this.#written = text
    } catch (error) {
      this.#log.error('the last good documents cannot be kept', { path: this.#path, error })
    }
  }
}
