import { setTimeout as pause } from 'node:timers/promises'
import { get, type Target } from '../../e2e/client.js'
import { until } from '../../e2e/until.js'
import type { Bench } from '../bench.js'
import { CHANGING, type DataPlane, health, startDataPlane } from '../host/data-plane.js'

const WHOLE = { envoys: 20, clients: 1_980, services: 1_000, rounds: 10 }
const QUICK = { envoys: 3, clients: 50, services: 20, rounds: 3 }

/** What a change does to requests, beside when it is acknowledged. */
export const dataPlane: Bench = {
  name: 'data-plane',
  title: 'an instance passes its check → the first request that real Envoys send to it, beside light clients',
  async *run({ quick, progress }) {
    const size = quick ? QUICK : WHOLE
    await using mesh = await startDataPlane(size, progress)
    const rounds: (readonly number[])[] = []
    for (let round = 0; round < size.rounds; round++) {
      progress(`change ${round + 1} of ${size.rounds}`)
      rounds.push(await timesOfChange(mesh))
    }
    const among = `${size.envoys} Envoys, ${size.clients} light clients, ${size.services} services`
    yield { what: `${among}: an Envoy`, unit: 'ms', values: rounds.flat() }
    yield { what: `${among}: the last Envoy`, unit: 'ms', values: rounds.map((times) => Math.max(...times)) }
  },
}

/** Between two requests of one Envoy, milliseconds; times are no more exact than this. */
const ASK_EVERY_MS = 10

/** Lets the instance come. @returns milliseconds from its passing to its first request, for each Envoy */
async function timesOfChange(mesh: DataPlane): Promise<readonly number[]> {
  health.well = false
  await until('nobody to be sent to the instance', async () => !(await anySentTo(CHANGING.name, mesh.targets)))
  await pause(QUIET_MS)
  const before = await passings(mesh)
  health.well = true
  const served = await Promise.all(mesh.targets.map((target) => firstSentTo(CHANGING.name, target)))
  const [passed = Number.NaN] = (await passings(mesh)).slice(before.length)
  return served.map((time) => time - passed)
}

/** For everything to be over that a change has begun, milliseconds. */
const QUIET_MS = 1_000

/** When the agent of the instance saw its check pass, wall-clock milliseconds. */
async function passings({ lab }: DataPlane): Promise<readonly number[]> {
  const lines = await lab.logOf(CHANGING.name)
  return lines.filter(({ message }) => message === 'service is passing').map(({ time }) => Date.parse(time))
}

async function anySentTo(host: string, targets: readonly Target[]): Promise<boolean> {
  // Enough that an instance which is one of two is among them.
  const asked = targets.flatMap((target) => Array.from({ length: 8 }, () => servedBy(target)))
  return (await Promise.all(asked)).includes(host)
}

/** @returns the wall-clock time of the first answer of that host, milliseconds */
async function firstSentTo(host: string, target: Target): Promise<number> {
  for (;;) {
    if ((await servedBy(target)) === host) return Date.now()
    await pause(ASK_EVERY_MS)
  }
}

async function servedBy(target: Target): Promise<string> {
  const { text } = await get(target)
  return (JSON.parse(text) as { servedBy: string }).servedBy
}
