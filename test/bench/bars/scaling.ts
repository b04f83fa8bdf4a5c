import type { Bench, BenchContext } from '../bench.js'
import type { ClientPlan } from '../load/light-client.js'
import { holdsAll } from '../mesh/clients.js'
import { type Scene, setScene } from '../mesh/scene.js'
import type { Measured } from '../report/result.js'
import { herdHolding, sizesOf } from './p1.js'
import { pushChanges } from './push.js'

/** What one change costs, against what streams hold and against how many there are; the mesh is the same for all. */
export const scaling: Bench = {
  name: 'scaling',
  title: 'CPU time of one change against services held by each stream, and against the number of streams',
  async *run(context) {
    const { services, proxies } = sizesOf(context)
    const streams = context.quick ? [50, 200] : [200, 1_000, 2_000, 5_000]
    await using scene = await setScene({ services, hosts: Math.max(...streams) })
    for (const held of [20, services / 10]) {
      yield await costOf(`${proxies} streams, ${held} held`, herdHolding(held, proxies, scene), scene, context)
    }
    const all = Array.from({ length: proxies }, (_, index) => holdsAll(index))
    yield await costOf(`${proxies} streams, all ${services} held`, all, scene, context)
    for (const count of streams) {
      yield await costOf(`20 held, ${count} streams`, herdHolding(20, count, scene), scene, context)
    }
  },
}

async function costOf(
  what: string,
  clients: readonly ClientPlan[],
  scene: Scene,
  context: BenchContext,
): Promise<Measured> {
  const { mesh, floor, connected, faults } = await pushChanges(scene, clients, context.quick ? 4 : 10, context)
  const { rssMb } = connected
  return { what, unit: 'CPU ms', values: [...mesh.cpuMs], floor: [...floor.cpuMs], rssMb, faults: [...faults] }
}
