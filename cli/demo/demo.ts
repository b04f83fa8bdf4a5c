import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXIT } from '../exit.js'
import type { Write } from '../output.js'
import { closeConnections } from './client.js'
import { demoEnvoy } from './envoy.js'
import { writeLayout } from './layout.js'
import { DemoMesh } from './mesh.js'
import { DemoProcesses } from './processes.js'
import { runChecks } from './run-checks.js'
import { show } from './show.js'

/** How long parts may take to end before they are killed, milliseconds. */
const STOP_GRACE_MS = 15_000

/**
 * Runs the demo below a temporary directory, to look at (`show`, until the signal aborts) or as checks. Leaves no
 * process and no file behind, however it ends; when it could not start, the logs stay and are named.
 *
 * @returns the exit code
 */
export async function runDemo(mode: 'show' | 'check', write: Write, signal: AbortSignal): Promise<number> {
  const began = performance.now()
  const progress = (line: string) => write(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)}s  ${line}\n`)
  const envoyPath = await demoEnvoy(progress, signal)
  const root = await mkdtemp(join(tmpdir(), 'mesh-demo-'))
  const logs = join(root, 'logs')
  await mkdir(logs)
  const processes = new DemoProcesses(logs)
  let keepLogs = false
  try {
    const mesh = new DemoMesh(await writeLayout(root, envoyPath), processes)
    await untilAborted(mesh.start(progress), signal)
    if (signal.aborted) return EXIT.ok
    progress('the mesh is up')
    if (mode === 'show') {
      await show(mesh, write, signal)
      return EXIT.ok
    }
    const failed = await runChecks({ mesh }, write)
    keepLogs = failed > 0
    return failed === 0 ? EXIT.ok : EXIT.other
  } catch (error) {
    keepLogs = !signal.aborted
    throw error
  } finally {
    closeConnections()
    if (mode === 'show') progress('stopping everything')
    await processes.stopAll(STOP_GRACE_MS)
    if (keepLogs) write(`the logs are in ${logs}\n`)
    else await rm(root, { recursive: true, force: true })
  }
}

/** Waits for a start, or for the signal; what is left of an interrupted start fails unheard. */
async function untilAborted(start: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  start.catch(() => undefined)
  await Promise.race([start, aborted])
}
