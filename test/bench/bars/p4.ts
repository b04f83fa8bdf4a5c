import { toBinary } from '@bufbuild/protobuf'
import { AgentMessageSchema } from '../../../common/proto/mesh/v1/mesh_pb.js'
import type { Bench, BenchContext } from '../bench.js'
import { Load, type Server, startMesh, startNull } from '../lab.js'
import type { Recorded } from '../load/herd.js'
import type { ClientPlan } from '../load/light-client.js'
import { type JoinedHosts, joinHosts, serverCredentials } from '../mesh/credentials.js'
import { hostMessage, servicesMessage } from '../mesh/fleet.js'
import { type Scene, setScene } from '../mesh/scene.js'
import type { Usage } from '../process/usage.js'
import type { Condition, Measured } from '../report/result.js'
import { summarize } from '../report/statistics.js'
import type { Transport } from '../server/mesh-server.js'
import { herdHolding, sizesOf } from './p1.js'
import { clones } from './push.js'

/** P4: all proxies connect at once to a control plane that has just started. */
export const p4: Bench = {
  name: 'p4',
  title: 'all proxies connect at once: first connection → every proxy has acknowledged everything',
  async *run(context) {
    const { services, proxies } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    const hosts = await joinHosts(scene.directory, proxies)
    const herd = herdHolding(20, proxies, scene)
    yield await coldHerd('plain text', 'plain', scene, herd, undefined, 4_000, context)
    yield await coldHerd('mTLS', 'tls', scene, herd, hosts, 8_000, context)
    const withSessions = herd.map((plan, index) => ({ ...plan, session: sessionOf(index, scene) }))
    yield await coldHerd('mTLS, with the sessions of their agents', 'tls', scene, withSessions, hosts, 8_000, context)
  },
}

/** The same number of fresh servers of either kind, each of which is struck by a herd once. */
async function coldHerd(
  how: string,
  transport: Transport,
  scene: Scene,
  clients: readonly ClientPlan[],
  hosts: JoinedHosts | undefined,
  most: number,
  context: BenchContext,
): Promise<Measured> {
  const runs = context.quick ? 2 : 5
  const struck: Struck[] = []
  const floor: number[] = []
  let recorded: Recorded = new Map()
  for (let run = 1; run <= runs; run++) {
    context.progress(`${clients.length} clients at once, ${how}, ${run} of ${runs}`)
    await using server = await startMesh(scene.directory, transport, context)
    const one = await strike(server, scene, clients, hosts)
    struck.push(one)
    recorded = one.recorded
  }
  const tls = hosts === undefined ? {} : { tls: await serverCredentials(scene.directory) }
  for (let run = 1; run <= runs; run++) {
    await using server = await startNull({ first: recorded, events: [], ...tls })
    floor.push((await strike(server, scene, clones(clients), hosts)).ms)
  }
  const bar: readonly Condition[] = [
    { of: 'max', most },
    { of: 'blockedMs', most: 50 },
  ]
  return {
    what: `${clients.length} proxies, ${how}`,
    unit: 'ms',
    values: struck.map(({ ms }) => ms),
    floor,
    cpuMs: summarize(struck.map(({ usage }) => usage.cpuMs)).median,
    rssMb: summarize(struck.map(({ usage }) => usage.rssMb)).median,
    blockedMs: Math.max(...struck.map(({ usage }) => usage.blockedMs)),
    bar: [...bar],
    faults: struck.flatMap(({ faults }) => faults),
  }
}

interface Struck {
  readonly ms: number
  readonly recorded: Recorded
  readonly usage: Usage
  readonly faults: readonly string[]
}

async function strike(
  server: Server,
  scene: Scene,
  clients: readonly ClientPlan[],
  hosts: JoinedHosts | undefined,
): Promise<Struck> {
  await using load = new Load()
  const identities = hosts === undefined ? {} : { credentials: hosts.credentials }
  await server.usage()
  const { ms, recorded } = await load.herd(
    { server: server.address, clients, expected: scene.expected, ...identities },
    true,
  )
  return { ms, recorded, usage: await server.usage(), faults: await load.faults() }
}

function sessionOf(index: number, { size }: Scene): readonly Uint8Array[] {
  return [hostMessage(index), servicesMessage(index, size)].map((message) => toBinary(AgentMessageSchema, message))
}
