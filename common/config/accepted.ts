import { join } from 'node:path'
import { z } from 'zod'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../files.js'
import type { Log } from '../log.js'

const entry = z.strictObject({
  /** Identity of the document: `route payments`. */
  identity: z.string(),
  /** The text of the whole file in which it was good. */
  text: z.string(),
  /** When it was taken, wall-clock milliseconds. */
  since: z.number(),
})

const lastGoodFile = z.record(z.string(), z.array(entry))

/** A document as it was last accepted, with the text of its file, from which it can be read again. */
export type GoodDocument = z.infer<typeof entry>

/** What each file last gave, by the file's shown name. */
export type LastGood = ReadonlyMap<string, readonly GoodDocument[]>

/** The documents that were last accepted, on disk, so that they are in effect also after a restart. */
export class LastGoodStore {
  readonly #path: string
  readonly #log: Log
  #written = ''

  /** @param name of the file, for one kind of directory each */
  constructor(stateDirectory: string, name: string, log: Log) {
    this.#path = join(stateDirectory, name)
    this.#log = log
  }

  /** Reads what was kept; a damaged file is reported and counts as nothing, since it is only a second line of defence. */
  async read(): Promise<LastGood> {
    const text = await readIfPresent(this.#path)
    if (text === undefined) return new Map()
    try {
      const kept = lastGoodFile.parse(JSON.parse(text))
      this.#written = text
      return new Map(Object.entries(kept))
    } catch (error) {
      this.#log.warn('the kept documents are damaged; only what is on disk now counts', { path: this.#path, error })
      return new Map()
    }
  }

  /** Keeps what is accepted now. A disk that refuses is reported: the documents stay in effect until a restart. */
  async write(lastGood: LastGood): Promise<void> {
    const text = JSON.stringify(Object.fromEntries(lastGood))
    if (text === this.#written) return
    try {
      await makeDirectory(join(this.#path, '..'))
      await writeFileAtomically(this.#path, text)
      this.#written = text
    } catch (error) {
      this.#log.error('the accepted documents could not be kept', { path: this.#path, error })
    }
  }
}
