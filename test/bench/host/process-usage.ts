import { readdir, readFile } from 'node:fs/promises'

/** What a process of this machine has used so far. */
export interface ProcessUsage {
  /** CPU time of all its threads, milliseconds. */
  readonly cpuMs: number
  /** Resident memory, shared libraries included, MB. */
  readonly rssMb: number
  /** The part of it that belongs to nobody else, MB. */
  readonly privateMb: number
}

/** Reads what a process has used. Threads that have ended are not counted. @throws where it does not run */
export async function usageOf(pid: number): Promise<ProcessUsage> {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(threads.map((thread) => nanoseconds(`/proc/${pid}/task/${thread}/schedstat`)))
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const megabytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
  return {
    cpuMs: times.reduce((sum, one) => sum + one, 0) / 1e6,
    rssMb: megabytes('VmRSS'),
    privateMb: megabytes('RssAnon'),
  }
}

async function nanoseconds(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '0')
  return Number(text.split(' ')[0])
}
