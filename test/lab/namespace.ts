import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** How a program ended. */
export interface Ended {
  readonly code: number
  readonly output: string
  /** Milliseconds from start to end. */
  readonly took: number
}

/**
 * A machine as far as a test needs one: a network of its own with nothing but loopback, its own firewall, and its own
 * /etc/resolv.conf and /etc/nsswitch.conf. It ends with the process of the test, and leaves nothing behind.
 */
export class Namespace {
  /** The command that runs another one in here, in its own process. */
  readonly within: readonly string[]
  readonly #holder: ChildProcess
  readonly #directory: string
  readonly #started: ChildProcess[] = []

  /** @throws where this user may not make namespaces */
  static async start(): Promise<Namespace> {
    const directory = await mkdtemp(join(tmpdir(), 'mesh-namespace-'))
    await writeFile(join(directory, 'resolv.conf'), '')
    await writeFile(join(directory, 'nsswitch.conf'), 'passwd: files\nhosts: files dns\n')
    const words = ['--net', '--mount', '--propagation', 'private', '--', 'sh', '-c', PREPARE, 'sh', directory]
    const holder = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'pipe'] })
    const [said] = (await once(holder.stdout, 'data').catch(() => [''])) as [Buffer | string]
    if (!String(said).includes('ready')) throw new Error(`no namespace: ${holder.stderr.read() ?? 'unshare failed'}`)
    return new Namespace(holder, directory)
  }

  private constructor(holder: ChildProcess, directory: string) {
    this.#holder = holder
    this.#directory = directory
    this.within = ['nsenter', `--target=${holder.pid}`, '--net', '--mount', '--']
  }

  /** What resolvers in here read: the text of /etc/resolv.conf. */
  resolveWith(text: string): Promise<void> {
    return writeFile(join(this.#directory, 'resolv.conf'), text)
  }

  /** Runs a program to its end, at most 60 s, whatever its exit code. */
  run(command: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const [enter = '', ...first] = this.within
    const options = { env: { ...process.env, ...environment }, timeout: 60_000 }
    const began = performance.now()
    return new Promise((resolve) => {
      const child = execFile(enter, [...first, command, ...words], options, (_, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, output: `${stdout}${stderr}`, took: performance.now() - began })
      })
    })
  }

  /** Starts a program that runs until {@link stop} or the end of the namespace, and waits until it has said something. */
  async start(command: string, words: readonly string[]): Promise<ChildProcess> {
    const [enter = '', ...first] = this.within
    const child = spawn(enter, [...first, command, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#started.push(child)
    await Promise.race([once(child.stdout, 'data'), once(child, 'close').then(() => Promise.reject(ended(command)))])
    return child
  }

  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  }

  async end(): Promise<void> {
    for (const child of this.#started) await this.stop(child)
    const closed = once(this.#holder, 'close')
    this.#holder.stdin?.end()
    await closed
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function ended(command: string): Error {
  return new Error(`${command} ended at once`)
}

/** Ends when its standard input does, that is with the test. */
const PREPARE = `set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
echo ready
exec cat`

/** A namespace for a test, or a loud skip where this user may not make one; under `CI=true` that fails. */
export async function namespaceOrSkip(t: Pick<TestContext, 'skip'>): Promise<Namespace | undefined> {
  try {
    return await Namespace.start()
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    const reason = `it needs root for a network namespace: ${(error as Error).message.trim()}`
    process.stderr.write(`SKIPPED, ${reason}\n`)
    t.skip(reason)
    return undefined
  }
}
