import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { LaunchSpec } from './launcher.js'

/** The flag whose value, the bootstrap's path, marks an Envoy as ours in the process table. */
export const BOOTSTRAP_FLAG = '-c'

/**
 * Envoy's arguments as a child of the agent.
 *
 * Unknown fields in what comes over ADS are refused: dropped, a route whose only matcher was unknown would match
 * everything. Hot restart is off, because with it Envoy asks the kernel for SIGTERM when its parent dies
 * (`PR_SET_PDEATHSIG`), and an agent that crashes would take the traffic down. That also does without shared memory and
 * a base id, so any number of Envoys run on one machine.
 */
export function envoyArguments(spec: LaunchSpec): readonly string[] {
  return [
    BOOTSTRAP_FLAG,
    spec.bootstrap,
    '--reject-unknown-dynamic-fields',
    '--disable-hot-restart',
    '--concurrency',
    String(spec.concurrency),
    '--log-level',
    spec.logLevel,
    '--drain-time-s',
    String(Math.max(1, Math.ceil(spec.drainTime / 1000))),
  ]
}

/**
 * A hash over all that decides how this Envoy behaves: arguments, bootstrap, and the binary as it is on the disk now,
 * so that an upgraded package is not mistaken for the process that still runs the old one.
 */
export async function fingerprint(spec: LaunchSpec): Promise<string> {
  const [bootstrap, binary] = await Promise.all([readFile(spec.bootstrap), stat(spec.path)])
  return createHash('sha256')
    .update(JSON.stringify([spec.path, binary.size, binary.mtimeMs, envoyArguments(spec)]))
    .update(bootstrap)
    .digest('hex')
}
