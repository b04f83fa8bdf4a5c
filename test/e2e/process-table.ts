import { readdir, readFile } from 'node:fs/promises'

/** Processor time that a process has used so far, milliseconds. */
export async function processorMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Its name may hold anything but a closing bracket and a space; the fields after it are numbers, in hundredths of a second.
  const fields = text.slice(text.lastIndexOf(') ') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** The processes of the whole machine with exactly this command line. */
export async function runningAs(...words: readonly string[]): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => commands[index] === `${words.join('\0')}\0`).map(Number)
}
