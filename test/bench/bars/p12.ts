import { WEB } from '../../e2e/hosts.js'
import type { Bench } from '../bench.js'
import { type ProcessUsage, usageOf } from '../host/process-usage.js'
import { SmallMesh } from '../host/small-mesh.js'
import { pause } from '../lab.js'

/** P12: what an agent costs a host on which nothing happens. */
export const p12: Bench = {
  name: 'p12',
  title: "an idle host: its agent's memory and CPU, and its Envoy's",
  async *run({ quick, progress }) {
    await using mesh = await SmallMesh.start()
    progress('the mesh settles')
    await pause(quick ? 5_000 : SETTLE_MS)
    const [windows, windowMs] = quick ? [2, 5_000] : [5, 20_000]
    progress(`${windows} times ${windowMs / 1000} s of idling`)
    const agent = mesh.lab.process(WEB.name).pid
    const envoy = await mesh.lab.envoyPid(WEB)
    const idle: Window[] = []
    for (let index = 0; index < windows; index++) idle.push(await watch(agent, envoy, windowMs))
    const agents = idle.map((one) => one.agent)
    const envoys = idle.map((one) => one.envoy)
    yield {
      ...CPU,
      what: 'agent: CPU',
      values: agents.map(({ percent }) => percent),
      bar: [{ of: 'median', most: 0.2 }],
    }
    yield { ...MEMORY, what: 'agent: resident memory', values: agents.map(rss), bar: [{ of: 'max', most: 80 }] }
    yield { ...MEMORY, what: 'agent: memory of its own', values: agents.map(({ privateMb }) => privateMb) }
    yield { ...CPU, what: 'Envoy: CPU', values: envoys.map(({ percent }) => percent) }
    yield { ...MEMORY, what: 'Envoy: resident memory', values: envoys.map(rss) }
  },
}

/** Until what runs once after the start is over, milliseconds. */
const SETTLE_MS = 30_000

const CPU = { unit: '%' } as const
const MEMORY = { unit: 'MB' } as const

interface Idle extends ProcessUsage {
  /** CPU time in a hundredth of the time that passed, of one core. */
  readonly percent: number
}

interface Window {
  readonly agent: Idle
  readonly envoy: Idle
}

async function watch(agent: number, envoy: number, ms: number): Promise<Window> {
  const before = [await usageOf(agent), await usageOf(envoy)] as const
  const began = performance.now()
  await pause(ms)
  const passed = performance.now() - began
  const since = async (pid: number, { cpuMs }: ProcessUsage): Promise<Idle> => {
    const now = await usageOf(pid)
    return { ...now, percent: (100 * (now.cpuMs - cpuMs)) / passed }
  }
  return { agent: await since(agent, before[0]), envoy: await since(envoy, before[1]) }
}

function rss({ rssMb }: ProcessUsage): number {
  return rssMb
}
