import { closeConnections, getOk } from '../../e2e/client.js'
import { WEB } from '../../e2e/hosts.js'
import type { Bench } from '../bench.js'
import { SmallMesh } from '../host/small-mesh.js'
import { pause } from '../lab.js'

/** P14: how soon a host that has joined before serves after its agent starts. */
export const p14: Bench = {
  name: 'p14',
  title: 'agent starts on a host that has joined → first request is answered through the mesh',
  async *run({ quick, progress }) {
    await using mesh = await SmallMesh.start()
    const runs = quick ? 2 : 7
    progress('the host keeps on its disk what it was given')
    await pause(CACHED_MS)
    for (const [what, withControlPlane] of [
      ['with the control plane', true],
      ['from what the host has, without a control plane', false],
    ] as const) {
      if (!withControlPlane) await mesh.lab.process('controlplane').end('SIGKILL')
      const values: number[] = []
      for (let run = 0; run < runs; run++) {
        progress(`${what}: start ${run + 1} of ${runs}`)
        values.push(await timeOfStart(mesh))
      }
      yield { what, unit: 'ms', values, bar: [{ of: 'median', most: 1_500 }] }
    }
  },
}

/** Ends agent and Envoy as a power cut does, and starts the agent. @returns milliseconds until a request is answered */
async function timeOfStart({ lab, target }: SmallMesh): Promise<number> {
  const envoy = await lab.envoyPid(WEB)
  await lab.process(WEB.name).end('SIGKILL')
  process.kill(envoy, 'SIGKILL')
  closeConnections()
  await pause(SETTLE_MS)
  const began = performance.now()
  lab.startAgent(WEB)
  while (performance.now() - began < LONGEST_MS) {
    const failure = await getOk(target).catch((error: Error) => error)
    if (failure === undefined) return performance.now() - began
    await pause(ASK_EVERY_MS)
  }
  throw new Error(`no request was answered within ${LONGEST_MS / 1000} s`)
}

/** Until a host has written to its disk what it was given, milliseconds; on a slow disk it takes its time. */
const CACHED_MS = 15_000

/** Until the sockets of what was ended are free, and others have noticed, milliseconds. */
const SETTLE_MS = 2_000

const ASK_EVERY_MS = 10

const LONGEST_MS = 30_000
