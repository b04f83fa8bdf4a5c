import type { Bench, BenchContext } from '../bench.js'
import type { ClientPlan } from '../load/light-client.js'
import { holdsAll, holdsSome, someServices } from '../mesh/clients.js'
import { HOT_SERVICE, type Scene, setScene } from '../mesh/scene.js'
import type { Condition, Measured } from '../report/result.js'
import { summarize } from '../report/statistics.js'
import { type Pushed, pushChanges } from './push.js'

/** P1: one endpoint changes, and every proxy is subscribed to it. */
export const p1: Bench = {
  name: 'p1',
  title: 'one endpoint changes, every proxy holds it: source event → last ACK',
  async *run(context) {
    const { services, proxies, rounds } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    const some = herdHolding(20, proxies, scene)
    yield pushRow(`${proxies} proxies, 20 services held`, await pushChanges(scene, some, rounds, context), BAR)
    const all = Array.from({ length: proxies }, (_, index) => holdsAll(index))
    yield pushRow(`${proxies} proxies, all ${services} held`, await pushChanges(scene, all, rounds, context), BAR)
  },
}

const BAR: readonly Condition[] = [
  { of: 'median', most: 100 },
  { of: 'ratio', most: 2.5 },
  { of: 'p99', most: 250 },
]

/** The sizes of the bars, and those of a quick look. */
export function sizesOf({ quick }: Pick<BenchContext, 'quick'>) {
  return quick ? { services: 100, proxies: 200, rounds: 6 } : { services: 1_000, proxies: 2_000, rounds: 20 }
}

/** Clients of which each holds the hot service and some others. @param concerned how many hold the hot one; all unless given */
export function herdHolding(count: number, proxies: number, scene: Scene, concerned = proxies): readonly ClientPlan[] {
  return Array.from({ length: proxies }, (_, index) => {
    const holdsHot = index < concerned
    const services = someServices(index, count, holdsHot ? HOT_SERVICE : undefined, scene.size.services)
    return holdsSome(index, services, scene.expected, holdsHot)
  })
}

/** What pushing changes took, beside the null server. */
export function pushRow(what: string, { mesh, floor, faults }: Pushed, bar: readonly Condition[]): Measured {
  return {
    what,
    unit: 'ms',
    values: [...mesh.times],
    floor: floor.times,
    cpuMs: summarize(mesh.cpuMs).median,
    rssMb: mesh.usage.rssMb,
    blockedMs: mesh.blockedMs,
    bar: [...bar],
    faults: [...faults],
  }
}
