import type { BenchContext } from '../bench.js'
import { Load, type Rounds, type Server, startMesh, startNull } from '../lab.js'
import type { Recorded } from '../load/herd.js'
import type { ClientPlan } from '../load/light-client.js'
import { reportEvent, type Scene } from '../mesh/scene.js'
import type { Usage } from '../process/usage.js'

/** One change after the other, pushed to a herd by the control plane and then by the null server. */
export interface Pushed {
  readonly mesh: Rounds
  readonly floor: Rounds
  /** What the control plane used to let the herd in. */
  readonly connected: Usage
  readonly faults: readonly string[]
}

/** Pushes changes of one endpoint to a herd of clients. */
export async function pushChanges(
  scene: Scene,
  clients: readonly ClientPlan[],
  rounds: number,
  context: BenchContext,
): Promise<Pushed> {
  await using load = new Load()
  await using server = await startMesh(scene.directory, 'plain', context)
  const first = await connectHerd(load, server, scene, clients, context)
  const connected = await server.usage()
  // The first changes find code that was never run; a control plane that has run for a minute has none of that.
  await load.rounds(server, scene.stimuli, 2)
  context.progress(`${rounds} changes`)
  const mesh = await load.rounds(server, scene.stimuli, rounds)
  const faults = await load.faults()
  await server[Symbol.asyncDispose]()
  context.progress('the same by the null server')
  const floor = await pushFromNull(scene, clients, { first, events: mesh.recorded }, rounds)
  return { mesh, floor, connected, faults: [...faults, ...floor.faults] }
}

/** Connects clients, and the host whose instance changes. @returns what the first concerned client got */
export async function connectHerd(
  load: Load,
  { address }: Server,
  scene: Scene,
  clients: readonly ClientPlan[],
  { progress }: Pick<BenchContext, 'progress'>,
): Promise<Recorded> {
  progress(`${clients.length} clients connect to the control plane`)
  const first = await load.connect(address, clients, scene.expected)
  await load.remote.ask('openSession', scene.session)
  return first
}

async function pushFromNull(
  scene: Scene,
  clients: readonly ClientPlan[],
  script: Parameters<typeof startNull>[0],
  rounds: number,
): Promise<Rounds & { readonly faults: readonly string[] }> {
  await using load = new Load()
  await using server = await startNull(script)
  await load.connect(server.address, clones(clients), scene.expected)
  await load.remote.ask('openSession', { ...scene.session, messages: [] })
  const stimuli = scene.stimuli.map((one) => ({ ...one, event: reportEvent(scene.size, {}) }))
  await load.rounds(server, stimuli, 2)
  const measured = await load.rounds(server, stimuli, rounds)
  return { ...measured, faults: await load.faults() }
}

/** Clients to whom the frames of the first concerned one can be sent; the others ask for nothing. */
export function clones(clients: readonly ClientPlan[]): readonly ClientPlan[] {
  const first = clients.find(({ concerned }) => concerned)
  if (first === undefined) throw new RangeError('no client is concerned')
  return clients.map(({ concerned }) => (concerned ? first : { ...first, subscriptions: [], concerned: false }))
}
