import { join } from 'node:path'
import { Health } from '../../../common/proto/mesh/v1/mesh_pb.js'
import { WEB } from '../../e2e/hosts.js'
import { until } from '../../e2e/until.js'
import { LightAgent } from '../../herd/light-agent.js'
import type { Bench } from '../bench.js'
import { type ProcessUsage, usageOf } from '../host/process-usage.js'
import { SmallMesh } from '../host/small-mesh.js'
import { pause } from '../lab.js'

/** What a host pays for what others do: each change passes its agent on the way to its Envoy. */
export const relay: Bench = {
  name: 'relay',
  title: 'CPU of a host for each change that its agent passes on to its Envoy',
  async *run({ quick, progress }) {
    await using mesh = await SmallMesh.start()
    const other = await joinOther(mesh)
    const [runs, changes] = quick ? [2, 40] : [5, 200]
    const costs: (readonly [agent: number, envoy: number])[] = []
    try {
      await change(other, changes)
      for (let run = 0; run < runs; run++) {
        progress(`run ${run + 1} of ${runs}: ${changes} changes`)
        costs.push(await costOf(mesh, other, changes))
      }
    } finally {
      await other.stop()
    }
    yield { what: 'agent, one changed endpoint', unit: 'µs CPU', values: costs.map(([agent]) => agent) }
    yield { what: 'Envoy, one changed endpoint', unit: 'µs CPU', values: costs.map(([, envoy]) => envoy) }
  },
}

/** Between two changes, milliseconds: long enough that each is passed on by itself. */
const EVERY_MS = 50

/** A host whose instance comes and goes as it is told to. */
async function joinOther({ lab }: SmallMesh): Promise<LightAgent> {
  const token = (await lab.mesh('token', 'create', '--host', 'herd-0', '--service', 'herd-0')).trim()
  const one = { host: 'herd-0', address: '127.0.64.0', service: 'herd-0' }
  const other = await LightAgent.join(one, token, join(lab.files.root, 'herd-0'))
  other.start()
  await until('the other host to be in step', () => other.followed.value.inStep)
  return other
}

async function change(other: LightAgent, times: number): Promise<void> {
  for (let index = 0; index < times; index++) {
    other.tell(index % 2 === 0 ? Health.CRITICAL : Health.PASSING)
    await pause(EVERY_MS)
  }
}

/** What one change cost agent and Envoy beyond idling for the same time, microseconds of CPU. */
async function costOf({ lab }: SmallMesh, other: LightAgent, changes: number) {
  const pids = [lab.process(WEB.name).pid, await lab.envoyPid(WEB)] as const
  const idle = await usedDuring(pids, () => pause(changes * EVERY_MS))
  const busy = await usedDuring(pids, () => change(other, changes))
  const each = (index: 0 | 1) => (1000 * (busy[index] - idle[index])) / changes
  return [each(0), each(1)] as const
}

async function usedDuring(pids: readonly [number, number], act: () => Promise<void>) {
  const read = () => Promise.all([usageOf(pids[0]), usageOf(pids[1])])
  const before = await read()
  await act()
  const now = await read()
  const used = (index: 0 | 1) => cpuOf(now[index]) - cpuOf(before[index])
  return [used(0), used(1)] as const
}

function cpuOf({ cpuMs }: ProcessUsage): number {
  return cpuMs
}
