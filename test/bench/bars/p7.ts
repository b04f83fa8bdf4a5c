import type { Bench, BenchContext } from '../bench.js'
import { Load, pause, startMesh } from '../lab.js'
import type { ClientPlan } from '../load/light-client.js'
import { holdsAll } from '../mesh/clients.js'
import { type Scene, setScene } from '../mesh/scene.js'
import type { Measured } from '../report/result.js'
import { herdHolding, sizesOf } from './p1.js'

/** P7 and P7b: resident memory with a whole herd connected. */
export const p7: Bench = {
  name: 'p7',
  title: 'resident memory of the control plane with all proxies connected',
  async *run(context) {
    const { services, proxies } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    yield await memoryWith(`${proxies} proxies, 20 services held`, herdHolding(20, proxies, scene), 400, scene, context)
    const all = Array.from({ length: proxies }, (_, index) => holdsAll(index))
    yield await memoryWith(`${proxies} proxies, all ${services} held`, all, 700, scene, context)
  },
}

/** Fresh servers, each of which has let a herd in, has pushed a few changes, and has nothing to do any more. */
async function memoryWith(
  what: string,
  clients: readonly ClientPlan[],
  most: number,
  scene: Scene,
  context: BenchContext,
): Promise<Measured> {
  const runs = context.quick ? 2 : 5
  const values: number[] = []
  const faults: string[] = []
  for (let run = 1; run <= runs; run++) {
    context.progress(`${what}, ${run} of ${runs}`)
    await using load = new Load()
    await using server = await startMesh(scene.directory, 'plain', context)
    await load.connect(server.address, clients, scene.expected)
    await load.remote.ask('openSession', scene.session)
    await load.rounds(server, scene.stimuli, 4)
    await pause(SETTLED_MS)
    values.push((await server.usage()).rssMb)
    faults.push(...(await load.faults()))
  }
  return { what, unit: 'MB', values, bar: [{ of: 'median', most }], faults }
}

const SETTLED_MS = 5_000
