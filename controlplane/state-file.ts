import { dirname } from 'node:path'
import type { z } from 'zod'
import { makeDirectory, readIfPresent, writeFileAtomically } from '../common/files.js'
import { StateText } from './state-text.js'

/** A state file that does not hold what was once written to it, or that cannot be written now. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError'
  readonly file: string

  constructor(file: string, message: string, cause: unknown) {
    super(`${file}: ${message}`, { cause })
    this.file = file
  }
}

/** What a change makes of the state; the same object as before means that nothing has to be written. */
export interface Change<T, R> {
  readonly state: T
  readonly result: R
}

interface Job<T> {
  /** @returns the next state; the job keeps its outcome */
  readonly apply: (state: T) => T
  readonly succeed: () => void
  readonly fail: (error: unknown) => void
}

/**
 * State in one JSON file, owned by this process alone. Changes are made one after the other, and each is on the disk
 * before its caller hears of it; those that come while the disk is busy are written together.
 */
export class StateFile<T> {
  readonly #path: string
  readonly #write: typeof writeFileAtomically
  readonly #text = new StateText()
  #state: T
  #queue: Job<T>[] = []
  #writing = false

  private constructor(path: string, state: T, write: typeof writeFileAtomically) {
    this.#path = path
    this.#state = state
    this.#write = write
  }

  /**
   * Reads the file, or begins with `initial` where there is none; the directory is made.
   *
   * @param write how bytes reach the disk; a test gives one that fails
   * @throws StateFileError when the file is malformed: it is never reset silently
   */
  static async open<T>(
    path: string,
    schema: z.ZodType<T>,
    initial: T,
    write: typeof writeFileAtomically = writeFileAtomically,
  ): Promise<StateFile<T>> {
    await makeDirectory(dirname(path))
    const text = await readIfPresent(path)
    return new StateFile(path, text === undefined ? initial : parse(path, schema, text), write)
  }

  /** The state as it is on the disk. */
  get state(): T {
    return this.#state
  }

  /**
   * Changes the state. `change` must be pure and leave its argument alone; what it throws rejects the promise and
   * changes nothing.
   *
   * @throws StateFileError when the disk refuses; the state is then as before
   */
  update<R>(change: (state: T) => Change<T, R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      let outcome: (() => void) | undefined
      const apply = (state: T): T => {
        try {
          const next = change(state)
          outcome = () => resolve(next.result)
          return next.state
        } catch (error) {
          outcome = () => reject(error)
          return state
        }
      }
      this.#queue.push({ apply, succeed: () => outcome?.(), fail: reject })
      if (!this.#writing) void this.#drain()
    })
  }

  /** Never rejects: each failure goes to the callers whose changes it concerns. */
  async #drain(): Promise<void> {
    this.#writing = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0)
      try {
        await this.#commit(batch.reduce((state, job) => job.apply(state), this.#state))
        for (const job of batch) job.succeed()
      } catch (error) {
        for (const job of batch) job.fail(error)
      }
    }
    this.#writing = false
  }

  async #commit(next: T): Promise<void> {
    if (next === this.#state) return
    try {
      await this.#write(this.#path, this.#text.encode(next))
    } catch (cause) {
      throw new StateFileError(this.#path, 'cannot be written, so the change is not made', cause)
    }
    this.#state = next
  }
}

function parse<T>(path: string, schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new StateFileError(path, 'damaged; restore it from a backup, it is not reset on its own', cause)
  }
}
