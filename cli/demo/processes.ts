import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { delay } from '../../common/tasks.js'

/** The `mesh` command itself, as it runs now. */
export const MESH = fileURLToPath(new URL('../main.js', import.meta.url))

/** A process of the demo ended although it should not have, or with a failure. */
export class ProcessFailed extends Error {
  readonly output: string

  constructor(name: string, code: number | null, output: string) {
    super(`${name} ended with ${code === null ? 'a signal' : `code ${code}`}: ${lastLines(output)}`)
    this.output = output
  }
}

/** A running part of the demo. */
export interface DemoProcess {
  readonly name: string
  readonly pid: number
  /** Whether it has not ended. */
  readonly running: () => boolean
  /** Sends a signal and resolves when the process has ended. */
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

/**
 * Starts the processes of a demo and ends all of them: each writes to a log file of its own, and none outlives
 * {@link stopAll}.
 */
export class DemoProcesses {
  readonly #logDirectory: string
  readonly #within: readonly string[]
  readonly #started: DemoProcess[] = []

  /** @param within a command that runs another one in its own process, such as `nsenter --net=…`; absent: none */
  constructor(logDirectory: string, within: readonly string[] = []) {
    this.#logDirectory = logDirectory
    this.#within = within
  }

  /** Path of the log of a process. */
  logOf(name: string): string {
    return `${this.#logDirectory}/${name}.log`
  }

  /** Starts `mesh …` and leaves it running. */
  mesh(name: string, ...parameters: readonly string[]): DemoProcess {
    return this.start(name, [MESH, ...parameters], {})
  }

  /**
   * Starts a Node program and leaves it running.
   *
   * @param before a command that runs the program in its own process, such as `setpriv …`
   */
  start(
    name: string,
    parameters: readonly string[],
    environment: Readonly<Record<string, string>>,
    before: readonly string[] = [],
  ): DemoProcess {
    const log = createWriteStream(this.logOf(name), { flags: 'a' })
    const [command, ...words] = this.#command(parameters, before)
    const child = spawn(command, words, {
      env: { ...process.env, ...environment },
      // In a process group of its own, so that Ctrl-C reaches only the demo, which ends its parts in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const started = track(name, child, log)
    this.#started.push(started)
    return started
  }

  /** Runs `mesh …` to its end. @returns its standard output @throws ProcessFailed */
  async run(name: string, ...parameters: readonly string[]): Promise<string> {
    const [command, ...words] = this.#command([MESH, ...parameters])
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [output, errors] = [collect(child.stdout), collect(child.stderr)]
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new ProcessFailed(`mesh ${name}`, code, `${output()}${errors()}`)
    return output()
  }

  #command(parameters: readonly string[], before: readonly string[] = []): readonly [string, ...string[]] {
    const [first, ...more] = [...this.#within, ...before, process.execPath, ...parameters]
    return [first ?? process.execPath, ...more]
  }

  /** Ends everything that still runs, agents before the control plane: SIGTERM, and SIGKILL after `graceMs`. */
  async stopAll(graceMs: number): Promise<void> {
    const alive = this.#started.filter((one) => one.running())
    const ended = Promise.all(alive.map((one) => one.end('SIGTERM')))
    const over = new AbortController()
    await Promise.race([ended.finally(() => over.abort()), delay(graceMs, over.signal)])
    await Promise.all(alive.filter((one) => one.running()).map((one) => one.end('SIGKILL')))
  }
}

function track(name: string, child: ChildProcess, log: WriteStream): DemoProcess {
  child.stdout?.pipe(log, { end: false })
  child.stderr?.pipe(log, { end: false })
  const ended = once(child, 'close')
  ended.then(
    () => log.end(),
    () => log.end(),
  )
  const running = () => child.exitCode === null && child.signalCode === null
  return {
    name,
    pid: child.pid ?? 0,
    running,
    async end(signal) {
      if (!running()) return
      child.kill(signal)
      await ended
    },
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ')
}
