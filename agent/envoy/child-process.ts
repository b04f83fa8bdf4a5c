import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { Log } from '../../common/log.js'
import { createEnvoyAdmin } from './admin.js'
import { findLeftEnvoys, processEnded, recordEnvoy } from './adopt.js'
import { envoyArguments, fingerprint } from './command.js'
import { drainEnvoy } from './drain.js'
import { scrubEnvironment } from './environment.js'
import type { EnvoyLauncher, ExitInfo, LaunchSpec, RunningEnvoy } from './launcher.js'
import { lastErrorLine } from './output.js'
import type { ProcessIdentity } from './process-table.js'

/**
 * Launches Envoy as a child process, in a session of its own: Ctrl-C in a terminal reaches only the agent, which drains
 * first, and an agent that is killed leaves Envoy running, with the traffic on it. The next agent adopts it.
 *
 * @param environment our own, of which the child gets a few harmless names
 * @param replaceGrace milliseconds that an Envoy that has to make room gets for what it has in flight, and then again
 *   between SIGTERM and SIGKILL
 * @param patience milliseconds that an Envoy that was left running gets to answer before it has to make room
 */
export function createChildProcessLauncher(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
  replaceGrace = 5000,
  patience = 10_000,
): EnvoyLauncher {
  return {
    async launch(spec, signal) {
      const wanted = await fingerprint(spec)
      const { same, others } = await findLeftEnvoys(spec, wanted, patience, log, signal)
      if (same !== undefined) return adoptEnvoy(same, log)
      await replaceEnvoys(spec, others, replaceGrace, log, signal)
      const child = await startEnvoy(spec, environment, signal)
      await recordEnvoy(spec, child.pid, wanted, log)
      return child
    },
  }
}

function adoptEnvoy(process: ProcessIdentity, log: Log): RunningEnvoy {
  log.info('Envoy was already running and is adopted', { pid: process.pid })
  const released = new AbortController()
  const exited = processEnded(process, released.signal).then((): ExitInfo => {
    return { detail: 'ended; how is not known, another agent had started it' }
  })
  const { pid } = process
  return { pid, adopted: true, exited, stop: stopper(pid, exited), release: () => released.abort() }
}

/** Ends Envoys that stand in the way of a new one, giving what they have in flight a moment. */
async function replaceEnvoys(
  spec: LaunchSpec,
  left: readonly ProcessIdentity[],
  grace: number,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (left.length === 0) return
  log.warn('an Envoy that was started differently is ended, a new one takes its place', { left })
  const drainTime = Math.min(spec.drainTime, grace)
  await drainEnvoy(createEnvoyAdmin(spec.adminSocket), { drainTime }, log, signal)
  const never = new AbortController().signal
  await Promise.all(left.map((process) => stopper(process.pid, processEnded(process, never, 50))(grace)))
}

async function startEnvoy(
  spec: LaunchSpec,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<RunningEnvoy> {
  signal.throwIfAborted()
  const file = spec.output === 'inherit' ? undefined : await open(spec.output.file, 'a', 0o600)
  try {
    const output = file?.fd ?? 'inherit'
    const child = spawn(spec.path, envoyArguments(spec), {
      detached: true,
      env: scrubEnvironment(environment),
      stdio: ['ignore', output, output],
    })
    const exited = childExit(child, spec.output)
    await once(child, 'spawn')
    return describeChild(child, exited)
  } finally {
    await file?.close()
  }
}

function describeChild(child: ChildProcess, exited: Promise<ExitInfo>): RunningEnvoy {
  const { pid } = child
  if (pid === undefined) throw new Error('a process without a number was started')
  return { pid, adopted: false, exited, stop: stopper(pid, exited), release: () => child.unref() }
}

async function childExit(child: ChildProcess, output: LaunchSpec['output']): Promise<ExitInfo> {
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (...how) => resolve(how))
  })
  const how = signal === null ? `exited with code ${code}` : `ended by ${signal}`
  const reason = output === 'inherit' ? undefined : await lastErrorLine(output.file)
  const detail = reason === undefined ? how : `${how}: ${reason}`
  return { detail, ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }
}

/** Makes {@link RunningEnvoy.stop}; a process that has ended is not signalled, its number may be another's by now. */
function stopper(pid: number, exited: Promise<unknown>): (graceMs: number) => Promise<void> {
  let ended = false
  const end = exited.then(() => {
    ended = true
  })
  return async (graceMs) => {
    if (ended) return
    sendSignal(pid, 'SIGTERM')
    const timer = setTimeout(() => sendSignal(pid, 'SIGKILL'), graceMs)
    await end
    clearTimeout(timer)
  }
}

/** A process that has just ended is what the sender wants. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
