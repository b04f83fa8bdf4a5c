import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Machine } from '../report/result.js'

/** What of this machine decides how long things take. */
export function machineFacts(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
  }
}

/** How many processes want to run, over the last minute. */
export function loadAverage(): number {
  return loadavg()[0] ?? 0
}

/** The commit of this tree, with `+` where files are changed; `unknown` outside a checkout. */
export function commitOfTree(): string {
  try {
    const git = (...args: readonly string[]) => execFileSync('git', args, OPTIONS).trim()
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}

const OPTIONS = { encoding: 'utf8', stdio: 'pipe', cwd: fileURLToPath(new URL('.', import.meta.url)) } as const

/** The core of the server that is measured, and that of the load. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1
