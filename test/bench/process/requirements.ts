import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Something that this machine lacks, and without which nothing can be measured. */
export class Unmeasurable extends Error {
  override readonly name = 'Unmeasurable'
}

/** Sockets of the largest herd, those of the server's disk and a few more. */
const DESCRIPTORS = 12_000

/**
 * Makes sure that two processes can have a core each, and as many descriptors as the largest herd has sockets.
 *
 * @throws Unmeasurable with what to do
 */
export function checkRequirements(): void {
  if (availableParallelism() < 2) throw new Unmeasurable('two cores are needed: one for the server, one for the load')
  run('taskset', ['-c', '0', 'true'], 'processes cannot be pinned to cores by "taskset" of util-linux')
  raiseDescriptors()
}

/** Raises the limit of this process, which those that it starts inherit. */
function raiseDescriptors(): void {
  const lacks = `at least ${DESCRIPTORS} open files are needed: raise the limit by "ulimit -n ${DESCRIPTORS}"`
  const options = ['--pid', String(process.pid), '--nofile', '--raw', '--noheadings', '--output', 'SOFT,HARD']
  const [soft = 0, hard = 0] = run('prlimit', options, lacks)
    .trim()
    .split(/\s+/)
    .map((text) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)))
  if (soft >= DESCRIPTORS) return
  const raised = hard >= DESCRIPTORS ? `${DESCRIPTORS}:` : `${DESCRIPTORS}:${DESCRIPTORS}`
  run('prlimit', ['--pid', String(process.pid), `--nofile=${raised}`], lacks)
}

function run(program: string, options: readonly string[], lacks: string): string {
  try {
    return execFileSync(program, options, { encoding: 'utf8', stdio: 'pipe' })
  } catch (cause) {
    throw new Unmeasurable(lacks, { cause })
  }
}
