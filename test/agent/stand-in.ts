import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LaunchSpec } from '../../agent/envoy/launcher.js'
import { findProcesses } from '../../agent/envoy/process-table.js'
import { atEnd } from '../lab/at-end.js'

export type Behaviour = 'ready' | 'never-ready' | 'crash' | 'slow-drain' | 'busy' | 'stubborn'

/**
 * A run directory of its own for one test; whatever still runs with its bootstrap is ended and the directory removed.
 */
export function makeRunDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'hostmesh-envoy-'))
  atEnd(t, async () => {
    for (const { pid } of await findProcesses('-c', join(directory, 'bootstrap.json'))) process.kill(pid, 'SIGKILL')
    rmSync(directory, { recursive: true })
  })
  return directory
}

/** A spec that launches a stand-in Envoy from `directory` with this behaviour; writes its bootstrap. */
export function standInSpec(directory: string, behaviour: Behaviour, drainTime = 30_000): LaunchSpec {
  const path = join(directory, 'envoy')
  const script = fileURLToPath(new URL('stand-in-envoy.js', import.meta.url))
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`)
  chmodSync(path, 0o755)
  const bootstrap = join(directory, 'bootstrap.json')
  const adminSocket = join(directory, 'admin.sock')
  writeFileSync(bootstrap, JSON.stringify({ admin: { address: { pipe: { path: adminSocket } } }, behaviour }))
  return {
    path,
    bootstrap,
    adminSocket,
    runDirectory: directory,
    concurrency: 1,
    logLevel: 'warning',
    drainTime,
    output: { file: join(directory, 'envoy.log') },
  }
}

/** The environment that a running process was started with. */
export function environmentOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .filter((line) => line !== '')
}
