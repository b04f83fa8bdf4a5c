import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { MESH } from '../docs/read-example.js'
import { until } from '../e2e/until.js'
import { atEnd } from '../lab/at-end.js'

/** A daemon in a process of its own, with what it has logged. */
export interface DaemonProcess {
  readonly printed: () => string
  /** Waits for a line of its log. */
  readonly logs: (pattern: RegExp) => Promise<void>
  readonly signal: (name: NodeJS.Signals) => void
  /** Resolves with its exit code when it has ended. */
  readonly ended: Promise<number | null>
}

/** Runs `mesh …` until the test ends. */
export function runDaemon(
  t: TestContext,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): DaemonProcess {
  const child: ChildProcessByStdio<null, null, Readable> = spawn(process.execPath, [MESH, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let printed = ''
  child.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  atEnd(t, async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    printed: () => printed,
    logs: (pattern) => until(`${pattern} in the log`, async () => pattern.test(printed)).then(() => undefined),
    signal: (name) => void child.kill(name),
    ended,
  }
}
