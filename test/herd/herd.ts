import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('main.js', import.meta.url))

/** What a herd is made of. */
export interface HerdPlan {
  readonly hosts: number
  /** How many services they run between them: `herd-0`, `herd-1`, … */
  readonly services: number
  /** Allows `herd-*` to join so many times, with these services. */
  readonly token: string
  /** Where the identities of the hosts are kept. */
  readonly directory: string
}

/** Light agents in one other process. */
export class Herd {
  readonly #child: ChildProcess
  #joined = false
  #inStep = 0

  constructor({ hosts, services, token, directory }: HerdPlan) {
    this.#child = spawn(process.execPath, [MAIN, String(hosts), String(services), token, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { stdout } = this.#child
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#read(line))
  }

  /** Whether all of them have joined. */
  get joined(): boolean {
    return this.#joined
  }

  /** How many have all that the control plane has for them, over a stream that lives. */
  get inStep(): number {
    return this.#inStep
  }

  /** Ends all of them without a farewell. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }

  #read(line: string): void {
    if (line === 'joined') this.#joined = true
    const [, count] = /^in step (\d+)$/.exec(line) ?? []
    if (count !== undefined) this.#inStep = Number(count)
  }
}
