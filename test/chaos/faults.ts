import { get } from '../e2e/client.js'
import { type Allowed, CALLER, FIRST, type Fleet, PAIRS, type Pair, SECOND } from '../e2e/fleet.js'
import type { LabHost } from '../e2e/hosts.js'
import { until } from '../e2e/until.js'

/** One way in which the world goes wrong, and comes right again. */
export interface Fault {
  readonly name: string
  /** Does it and waits until it is over; `pause` is as long as the fault is to last, milliseconds. */
  readonly strike: (fleet: Fleet, pause: () => Promise<void>) => Promise<void>
  /** What may fail of which pair; nothing else may. */
  readonly allowed?: Partial<Record<Pair, Allowed>>
}

/** What a killed Envoy of a callee may cost: what was in flight. */
const IN_FLIGHT: Allowed = { failures: 2, withinMs: 5000 }

/** What is asked through an Envoy that is killed fails until it is back. */
const WHILE_GONE: Allowed = { failures: 150, withinMs: 3000 }

/** Connections that an Envoy took for an application that has gone, until the check has noticed. */
const UNTIL_NOTICED: Allowed = { failures: 60, withinMs: 3000 }

/** All faults of the walk. */
export const FAULTS: readonly Fault[] = [
  { name: 'control plane killed', strike: killControlPlane },
  { name: 'control plane frozen', strike: (fleet, pause) => freeze(fleet.lab.process('controlplane').pid, pause) },
  ...[CALLER, FIRST, SECOND].flatMap((host): readonly Fault[] => [
    { name: `agent of ${host.name} killed`, strike: (fleet, pause) => killAgent(fleet, host, pause) },
    {
      name: `agent of ${host.name} frozen`,
      strike: (fleet, pause) => freeze(fleet.lab.process(host.name).pid, pause),
    },
  ]),
  { name: `Envoy of ${SECOND.name} killed`, strike: (fleet) => killEnvoy(fleet, SECOND), allowed: every(IN_FLIGHT) },
  {
    name: `Envoy of ${CALLER.name} killed`,
    strike: (fleet) => killEnvoy(fleet, CALLER),
    allowed: { 'web → payments': WHILE_GONE, 'web → greeter (tcp)': WHILE_GONE },
  },
  { name: `${SECOND.name} leaves and comes back`, strike: leave },
  {
    name: `applications of ${SECOND.name} crash`,
    strike: crashApplications,
    allowed: { ...every(IN_FLIGHT), 'web → greeter (tcp)': UNTIL_NOTICED },
  },
  { name: 'documents change, some not valid', strike: changeDocuments },
]

function every(allowed: Allowed): Record<Pair, Allowed> {
  return Object.fromEntries(PAIRS.map((pair) => [pair, allowed])) as Record<Pair, Allowed>
}

async function killControlPlane({ lab }: Fleet, pause: () => Promise<void>): Promise<void> {
  await lab.process('controlplane').end('SIGKILL')
  await pause()
  await lab.startControlPlane()
}

async function freeze(pid: number, pause: () => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  try {
    await pause()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

async function killAgent({ lab }: Fleet, host: LabHost, pause: () => Promise<void>): Promise<void> {
  await lab.process(host.name).end('SIGKILL')
  await pause()
  lab.startAgent(host)
}

async function killEnvoy({ lab }: Fleet, host: LabHost): Promise<void> {
  const killed = await lab.envoyPid(host)
  process.kill(killed, 'SIGKILL')
  await until('another Envoy that is ready', async () => {
    const { status } = await get({ address: host.address, port: 15090 }, '/ready')
    return status === 200 && (await lab.envoyPid(host)) !== killed
  })
}

async function leave({ lab }: Fleet, pause: () => Promise<void>): Promise<void> {
  await lab.process(SECOND.name).end('SIGTERM')
  await pause()
  lab.startAgent(SECOND)
}

async function crashApplications(fleet: Fleet, pause: () => Promise<void>): Promise<void> {
  await fleet.endApplications(SECOND)
  await pause()
  await fleet.startApplications(SECOND)
}

async function changeDocuments({ lab }: Fleet, pause: () => Promise<void>): Promise<void> {
  await lab.place('payments.yaml', 'kind: route\nservice: payments\nrules: [{ timeout: never }]\n')
  await lab.place('ledger.yaml', 'kind: route\nservice: ledger\nrules: [{ timeout: 7s }]\n')
  await pause()
  await lab.place('payments.yaml', 'kind: route\nservice: payments\nrules: [{ timeout: 9s }]\n')
}
