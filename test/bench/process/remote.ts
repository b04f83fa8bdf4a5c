import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** What a process of a benchmark can be asked; each call answers one value. */
export type Api = Record<string, (...given: never[]) => unknown>

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** A process of its own, pinned to one core, that is asked over a channel. */
export class Remote<A extends Api> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #calls = 0

  /**
   * @param main file of the process
   * @param core to which it is pinned
   * @param options of Node, such as `--cpu-prof`
   */
  constructor(main: string, core: number, options: readonly string[] = []) {
    const command = ['-c', String(core), process.execPath, ...options, main]
    this.#child = spawn('taskset', command, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.#child.on('message', (answer: Answer) => this.#receive(answer))
    this.#child.on('error', (error) => this.#fail(`${main} does not run: ${error.message}`))
    this.#child.on('exit', (code, signal) => this.#fail(`${main} ended with ${signal ?? code}`))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Asks it one thing. @throws what failed there */
  ask<K extends keyof A & string>(call: K, ...given: Parameters<A[K]>): Promise<Awaited<ReturnType<A[K]>>> {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Awaited<ReturnType<A[K]>>), reject })
      if (this.#child.connected) this.#child.send({ id, call, given })
      else this.#fail('the process has ended')
    })
  }

  /** Ends it; a profile that was asked for is written by then. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
  }

  #receive({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error))
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason))
    this.#waiting.clear()
  }
}

/** Answers in this process what {@link Remote} asks, until whoever started it goes away. */
export function answer(api: Api): void {
  process.on('message', (message: Question) => void reply(api, message))
  process.on('disconnect', () => process.exit(0))
}

interface Question {
  readonly id: number
  readonly call: string
  readonly given: never[]
}

async function reply(api: Api, { id, call, given }: Question): Promise<void> {
  try {
    process.send?.({ id, result: await api[call]?.(...given) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}
