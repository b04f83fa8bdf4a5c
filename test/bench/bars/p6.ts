import type { Bench } from '../bench.js'
import type { Rounds } from '../lab.js'
import { setScene } from '../mesh/scene.js'
import { herdHolding, sizesOf } from './p1.js'
import { pushChanges } from './push.js'

/** P6: what one push and its ACK cost, building the mesh included. */
export const p6: Bench = {
  name: 'p6',
  title: 'CPU time of the server for one push and its ACK, everything that the change costs included',
  async *run(context) {
    const { services, proxies, rounds } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    const { mesh, floor, faults } = await pushChanges(scene, herdHolding(20, proxies, scene), rounds, context)
    yield {
      what: `a change to ${proxies} proxies`,
      unit: 'µs',
      values: perPush(mesh),
      floor: perPush(floor),
      bar: [{ of: 'median', most: 60 }],
      faults: [...faults],
    }
  },
}

function perPush({ cpuMs, pushes }: Rounds): number[] {
  return cpuMs.map((ms) => (1000 * ms) / pushes)
}
