/**
 * `npm run chaos`: a random walk over faults, under load of all pairs, with real Envoys. Every fault is followed until the
 * mesh is whole again; what may fail meanwhile is what `faults.ts` allows. Ends with 1 when a promise is broken.
 */
import { parseArgs } from 'node:util'
import { delay } from '../../common/tasks.js'
import { randomOf } from '../config/random.js'
import { Fleet } from '../e2e/fleet.js'
import { FAULTS, type Fault } from './faults.js'

interface Outcome {
  struck: number
  sent: number
  failed: number
  broken: number
}

const MOST_MINUTES = 120

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string', default: String(Date.now() % 1e6) } },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
if (!(minutes > 0 && minutes <= MOST_MINUTES && Number.isInteger(seed))) {
  process.stderr.write(`--minutes takes up to ${MOST_MINUTES}, --seed a whole number\n`)
  process.exit(64)
}

console.log(`chaos for ${minutes} min; the same again by --seed ${seed}`)
const random = randomOf(seed)
const outcomes = new Map<string, Outcome>(
  FAULTS.map(({ name }) => [name, { struck: 0, sent: 0, failed: 0, broken: 0 }]),
)
const fleet = await Fleet.start()
try {
  const end = performance.now() + minutes * 60_000
  while (performance.now() < end) await strike(FAULTS[Math.floor(random() * FAULTS.length)] as Fault)
} finally {
  await fleet.end()
}
printTable()
process.exitCode = [...outcomes.values()].some(({ broken }) => broken > 0) ? 1 : 0

/** One fault, from a whole mesh to a whole mesh. */
async function strike({ name, strike: run, allowed }: Fault): Promise<void> {
  const outcome = outcomes.get(name) as Outcome
  const load = fleet.load()
  await load.more(25)
  const faultAt = performance.now()
  const lasting = random() * 4000
  let promise = 'kept'
  try {
    await run(fleet, () => delay(lasting, new AbortController().signal))
    await fleet.lab.settled()
    await load.more(25)
    await load.stopWith(allowed, faultAt)
  } catch (error) {
    outcome.broken++
    promise = `BROKEN: ${(error as Error).message}`
    await load.stop()
  }
  const { sent, failed } = load.counts
  outcome.struck++
  outcome.sent += sent
  outcome.failed += failed
  console.log(`${name}, ${Math.round(performance.now() - faultAt)} ms: ${failed} of ${sent} failed, ${promise}`)
}

function printTable(): void {
  const rows = [...outcomes].map(([name, { struck, sent, failed, broken }]) => [name, struck, sent, failed, broken])
  console.log(`\n${['fault'.padEnd(36), 'times', 'requests', 'failed', 'broken'].join('  ')}`)
  for (const [name, ...numbers] of rows) {
    const widths = [5, 8, 6, 6]
    console.log(
      [String(name).padEnd(36), ...numbers.map((one, at) => String(one).padStart(widths[at] ?? 6))].join('  '),
    )
  }
}
