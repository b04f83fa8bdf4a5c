import type { Bench } from '../bench.js'
import { Load, startMesh } from '../lab.js'
import type { Received } from '../load/herd.js'
import { holdsAll } from '../mesh/clients.js'
import { setScene } from '../mesh/scene.js'
import type { Condition } from '../report/result.js'
import { sizesOf } from './p1.js'

/** P5: who comes back with what it had is sent nothing, also by another process with the same documents. */
export const p5: Bench = {
  name: 'p5',
  title: 'proxies that hold everything connect again: resources that are sent to them',
  async *run(context) {
    const { services } = sizesOf(context)
    const proxies = context.quick ? 50 : 500
    const runs = context.quick ? 2 : 5
    await using scene = await setScene({ services, hosts: proxies })
    const clients = Array.from({ length: proxies }, (_, index) => holdsAll(index))
    await using load = new Load()
    await using first = await startMesh(scene.directory, 'plain', context)
    context.progress(`${proxies} clients connect`)
    await load.connect(first.address, clients, scene.expected)
    const again: Received[] = []
    const times: number[] = []
    for (let run = 1; run <= runs; run++) {
      context.progress(`they connect again, ${run} of ${runs}`)
      await load.remote.ask('disconnect')
      const { ms, ...received } = await load.remote.ask('reconnect', first.address)
      again.push(received)
      times.push(ms)
    }
    await load.remote.ask('disconnect')
    const restarted: Received[] = []
    for (let run = 1; run <= runs; run++) {
      context.progress(`they connect to a control plane that was restarted, ${run} of ${runs}`)
      await using server = await startMesh(scene.directory, 'plain', context)
      restarted.push(await load.remote.ask('reconnect', server.address))
      await load.remote.ask('disconnect')
    }
    const faults = [...(await load.faults())]
    const resources = (all: readonly Received[]) => all.map((one) => one.resources)
    const bar: Condition[] = [{ of: 'max', most: 0 }]
    yield { what: `${proxies} proxies, to the same process`, unit: 'resources', values: resources(again), bar, faults }
    yield { what: `${proxies} proxies, after a restart`, unit: 'resources', values: resources(restarted), bar, faults }
    yield { what: `${proxies} proxies, until all are answered`, unit: 'ms', values: times, faults }
  },
}
