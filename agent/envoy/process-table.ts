import { readdir, readFile } from 'node:fs/promises'

/** One process of this machine; the start time tells it from a later one that got the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since the machine started. */
  readonly startTime: string
}

/** The identity of a process; undefined where there is none, or only what is left of one that ended (a zombie). */
export async function readProcess(pid: number): Promise<ProcessIdentity | undefined> {
  return (await readStat(pid))?.identity
}

async function readStat(
  pid: number,
): Promise<{ readonly identity: ProcessIdentity; readonly session: number } | undefined> {
  const stat = await readProcFile(pid, 'stat')
  // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, session, startTime] = [fields?.[0], fields?.[3], fields?.[19]]
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined
  return { identity: { pid, startTime }, session: Number(session) }
}

/** Whether this very process still runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  return (await readProcess(process.pid))?.startTime === process.startTime
}

/**
 * The processes whose command line has `flag` followed by `value`, among those of our own user that lead a session, as a
 * launched Envoy does: anybody can start a program with such a command line, by chance or to have it taken for ours. The
 * process table is asked and not a pid file: it
 * knows an Envoy whose agent was killed before it could write one, and never names a process that is gone. Processes of
 * containers on this machine are left out: they may well have the same paths, and belong to an agent of their own.
 */
export async function findProcesses(flag: string, value: string): Promise<readonly ProcessIdentity[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const matches = await Promise.all(pids.map((pid) => matchProcess(pid, flag, value)))
  return matches.filter((process) => process !== undefined)
}

async function matchProcess(pid: number, flag: string, value: string): Promise<ProcessIdentity | undefined> {
  const words = (await readProcFile(pid, 'cmdline'))?.split('\0') ?? []
  const matches = words.some((word, index) => word === flag && words[index + 1] === value)
  if (!matches || !(await isOursHere(pid))) return undefined
  const stat = await readStat(pid)
  return stat?.session === pid ? stat.identity : undefined
}

/** Whether a process is our user's, and has one number only: in a container it has another one there. */
async function isOursHere(pid: number): Promise<boolean> {
  const status = (await readProcFile(pid, 'status')) ?? ''
  const [, user] = /^Uid:\s+(\d+)/m.exec(status) ?? []
  const [, numbers = ''] = /^NSpid:\s+(.*)$/m.exec(status) ?? []
  return Number(user) === process.getuid?.() && numbers.trim().split(/\s+/).length === 1
}

/** Undefined where the process ended meanwhile, which can happen at every moment, or belongs to somebody else. */
async function readProcFile(pid: number, name: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${name}`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES'].includes(String(error.code))) {
      return undefined
    }
    throw error
  }
}
