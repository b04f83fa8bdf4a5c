import { join } from 'node:path'
import { z } from 'zod'
import { readIfPresent, writeFileAtomically } from '../../common/files.js'
import { describeError, type Log } from '../../common/log.js'
import { delay } from '../../common/tasks.js'
import { createEnvoyAdmin } from './admin.js'
import { BOOTSTRAP_FLAG } from './command.js'
import type { LaunchSpec } from './launcher.js'
import { findProcesses, isRunning, type ProcessIdentity, readProcess } from './process-table.js'

/** How long after an Envoy has not answered it is asked again, milliseconds. */
const ASK_AGAIN_MS = 200

const record = z.strictObject({ pid: z.int(), startTime: z.string(), fingerprint: z.string() })

/**
 * Notes which process was started with which fingerprint, for an agent that comes after this one. A full disk is only
 * worth a warning: Envoy runs, and the next agent will replace it instead of adopting it.
 */
export async function recordEnvoy(spec: LaunchSpec, pid: number, fingerprint: string, log: Log): Promise<void> {
  try {
    const process = await readProcess(pid)
    if (process === undefined) return
    await writeFileAtomically(recordPath(spec), `${JSON.stringify({ ...process, fingerprint })}\n`)
  } catch (error) {
    log.warn('Envoy runs but that could not be written down', { error: describeError(error) })
  }
}

/**
 * Finds the Envoys that an earlier agent left running with this spec's bootstrap path: `same` is the one to adopt,
 * because it was started with this fingerprint and its admin socket answers; `others` have to go before another can
 * start.
 *
 * @param patience milliseconds that an Envoy gets to answer: one that is busy must not be taken for one that hangs
 */
export async function findLeftEnvoys(
  spec: LaunchSpec,
  fingerprint: string,
  patience: number,
  log: Log,
  signal: AbortSignal,
): Promise<{ readonly same: ProcessIdentity | undefined; readonly others: readonly ProcessIdentity[] }> {
  const left = await findProcesses(BOOTSTRAP_FLAG, spec.bootstrap)
  const noted = parseRecord(await readIfPresent(recordPath(spec)))
  const candidate = left.find(({ pid, startTime }) => {
    return noted?.fingerprint === fingerprint && noted.pid === pid && noted.startTime === startTime
  })
  const same = candidate !== undefined && (await answers(spec, patience, log, signal)) ? candidate : undefined
  return { same, others: left.filter((process) => process !== same) }
}

/**
 * Resolves when the process has ended or the signal aborts; looks every `interval` milliseconds, as it is not our
 * child.
 */
export async function processEnded(process: ProcessIdentity, signal: AbortSignal, interval = 200): Promise<void> {
  while (!signal.aborted && (await mayRun(process))) await delay(interval, signal)
}

/** A process table that cannot be read, as when no file descriptor is left, does not say that a process has ended. */
async function mayRun(process: ProcessIdentity): Promise<boolean> {
  try {
    return await isRunning(process)
  } catch {
    return true
  }
}

function recordPath(spec: LaunchSpec): string {
  return join(spec.runDirectory, 'envoy-process.json')
}

/** A record that cannot be read proves nothing, so its Envoy is replaced. */
function parseRecord(text: string | undefined): z.infer<typeof record> | undefined {
  if (text === undefined) return undefined
  try {
    return record.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

async function answers(spec: LaunchSpec, patience: number, log: Log, signal: AbortSignal): Promise<boolean> {
  const admin = createEnvoyAdmin(spec.adminSocket)
  const until = performance.now() + patience
  for (let asked = 1; ; asked++) {
    try {
      const info = await admin.serverInfo(signal)
      return info.configPath === spec.bootstrap && info.state !== 'DRAINING'
    } catch (error) {
      const over = signal.aborted || performance.now() >= until
      const facts = { error: describeError(error), asked }
      if (over) log.warn('the Envoy that was left running does not answer', facts)
      else if (asked === 1) log.info('the Envoy that was left running does not answer yet', facts)
      if (over) return false
    }
    await delay(ASK_AGAIN_MS, signal)
  }
}
