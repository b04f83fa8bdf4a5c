import type { Bench } from '../bench.js'
import { Load, startMesh } from '../lab.js'
import { setScene } from '../mesh/scene.js'
import { summarize } from '../report/statistics.js'
import { herdHolding, sizesOf } from './p1.js'
import { connectHerd } from './push.js'

/** P11: a few clients that read nothing or refuse everything cost the others nothing. */
export const p11: Bench = {
  name: 'p11',
  title: '1 % of the clients stop reading and 1 % refuse everything: what the others wait',
  async *run(context) {
    const { services, proxies, rounds } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    await using load = new Load()
    await using server = await startMesh(scene.directory, 'plain', context)
    await connectHerd(load, server, scene, herdHolding(20, proxies, scene), context)
    await load.rounds(server, scene.stimuli, 2)
    context.progress('changes while all behave')
    const before = await load.rounds(server, scene.stimuli, 2 * rounds)
    const share = Math.ceil(proxies / 100)
    const [stuck, refusing] = [0, share].map((from) =>
      Array.from({ length: share }, (_, index) => proxies - 1 - from - index),
    )
    await load.remote.ask('behave', { clients: stuck ?? [], behaviour: 'stuck' })
    await load.remote.ask('behave', { clients: refusing ?? [], behaviour: 'refusing' })
    context.progress('changes while some do not')
    const after = await load.rounds(server, scene.stimuli, 2 * rounds)
    const faults = [...(await load.faults())]
    yield {
      what: `${proxies - 2 * share} others, beside all before`,
      unit: 'ms',
      values: [...after.times],
      floor: [...before.times],
      cpuMs: summarize(after.cpuMs).median,
      rssMb: after.usage.rssMb,
      blockedMs: after.blockedMs,
      bar: [{ of: 'p99Ratio', most: 2 }],
      faults,
    }
    const memory = { values: [after.usage.rssMb], floor: [before.usage.rssMb], faults }
    yield { what: 'memory, beside that before', unit: 'MB', ...memory, bar: [{ of: 'ratio', most: 1.25 }] }
  },
}
