import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refuseTakenPorts } from '../../controlplane/taken-port.js'
import { CommandFailure, EXIT } from '../exit.js'
import type { Write } from '../output.js'
import { closeConnections } from './client.js'
import { demoEnvoy } from './envoy.js'
import { demoAddresses, writeLayout } from './layout.js'
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
 * @throws CommandFailure where something listens at an address of the demo
 * @returns the exit code
 */
export async function runDemo(mode: 'show' | 'check', write: Write, signal: AbortSignal): Promise<number> {
  const began = performance.now()
  const progress = (line: string) => write(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)}s  ${line}\n`)
  await refuseSecondDemo()
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
    await removeFiles(root, keepLogs ? logs : undefined)
    if (keepLogs) write(`the logs are in ${logs}\n`)
  }
}

/** Before anything is made, so that a demo beside another one leaves nothing. */
async function refuseSecondDemo(): Promise<void> {
  try {
    await refuseTakenPorts(demoAddresses())
  } catch (error) {
    const { code, address, port } = error as NodeJS.ErrnoException & { readonly address: string; readonly port: number }
    if (code !== 'EADDRINUSE') throw error
    const message = `the demo cannot listen at ${address}:${port}: it is in use (${code})`
    throw new CommandFailure(EXIT.tryAgain, message, 'another demo may run; "ss -tlnp" tells who has the address')
  }
}

/** Removes all files of a demo, keys and state too, but not what is kept. */
async function removeFiles(root: string, kept: string | undefined): Promise<void> {
  const all = kept === undefined ? [root] : (await readdir(root)).map((name) => join(root, name))
  for (const path of all) if (path !== kept) await rm(path, { recursive: true, force: true })
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
