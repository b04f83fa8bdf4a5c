import { type ChildProcess, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { isMissing } from '../../common/files.js'
import { describeError } from '../../common/log.js'
import { delay } from '../../common/tasks.js'
import { withDeadline } from '../envoy/deadline.js'
import { distrustFile } from '../file-owner.js'
import type { ExecCheck } from './check.js'
import type { ProbeResult } from './check-state.js'
import { outputTail } from './output-tail.js'

/** How long a program may take to end after SIGKILL, and its output to arrive after its end, milliseconds. */
const GRACE_MS = 500

/** How a program ended. */
type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null } | { readonly error: Error }

/**
 * Makes the probe that runs a program. It runs without a shell, as the agent's user, in a process group of its own that
 * is killed as a whole when the program has ended, at the timeout, and when the signal aborts: nothing that it started
 * in that group outlives it. There is never more than one run: while one cannot be killed (it hangs in the kernel), the
 * probe fails.
 *
 * @param timeout milliseconds
 */
export function createExecProbe(check: ExecCheck, timeout: number): (signal: AbortSignal) => Promise<ProbeResult> {
  const [program = ''] = check.command
  let stuck = false
  return async (signal) => {
    const failed = (text: string): ProbeResult => ({ passed: false, detail: `${program}: ${text}` })
    if (stuck) return failed('its last run does not end, not even by SIGKILL')
    const refusal = await refuseProgram(program)
    if (refusal !== undefined) return failed(refusal)
    if (signal.aborted) return failed('not run')
    const run = startProgram(check)
    const ending = await withDeadline(timeout, signal, (bounded) => Promise.race([run.ended, whenAborted(bounded)]))
    run.kill()
    stuck = true
    const ended = run.ended.then(() => {
      stuck = false
    })
    await Promise.race([ended, delay(GRACE_MS)])
    const output = await run.output()
    if (ending === undefined) return failed(withOutput(`no end within ${timeout / 1000} s, killed`, output))
    return judge(program, ending, output)
  }
}

/** Undefined once the signal aborts. */
function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** A program that others may change would be a way to act as the agent's user. */
async function refuseProgram(program: string): Promise<string | undefined> {
  try {
    const file = await stat(program)
    if (!file.isFile()) return 'not run: it is not a file'
    const distrust = distrustFile({ uid: file.uid, mode: file.mode & 0o7777 }, process.getuid?.() ?? 0)
    return distrust && `not run: ${distrust.reason} (${distrust.hint})`
  } catch (error) {
    return isMissing(error) ? 'no such program' : `not run: ${describeError(error)}`
  }
}

interface Run {
  readonly ended: Promise<Ending>
  /** Ends the program and all of its process group. */
  readonly kill: () => void
  /** What it has printed; closes the pipes, whoever else still holds them. */
  readonly output: () => Promise<string>
}

function startProgram({ command: [program = '', ...args], environment }: ExecCheck): Run {
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve({ error }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const tail = outputTail([child.stdout, child.stderr])
  return {
    ended,
    kill: () => killGroup(child),
    async output() {
      await Promise.race([closed, delay(GRACE_MS)])
      child.stdout.destroy()
      child.stderr.destroy()
      return tail()
    },
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nobody is left in the group, or only programs that have taken other rights.
    if (!(error instanceof Error && 'code' in error && ['ESRCH', 'EPERM'].includes(String(error.code)))) throw error
  }
}

function judge(program: string, ending: Ending, output: string): ProbeResult {
  if ('error' in ending) return { passed: false, detail: `${program}: ${startError(ending.error)}` }
  const { code, signal } = ending
  const how = signal === null ? `exited with ${code}` : `ended by ${signal}`
  return { passed: code === 0, detail: `${program}: ${withOutput(how, output)}` }
}

function withOutput(how: string, output: string): string {
  return output === '' ? how : `${how}: ${output}`
}

function startError(error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'EACCES') return 'the user of the agent may not execute it'
  // The program itself was there a moment ago.
  if (code === 'ENOENT') return 'the interpreter in its first line does not exist'
  return `not started: ${describeError(error)}`
}
