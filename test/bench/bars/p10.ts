import { toBinary } from '@bufbuild/protobuf'
import { AgentMessageSchema } from '../../../common/proto/mesh/v1/mesh_pb.js'
import type { Bench, BenchContext } from '../bench.js'
import { Load, pause, type Server, startMesh } from '../lab.js'
import { weightOf } from '../load/churn.js'
import { type FleetSize, hostAddress, hostName, PORT, serviceName, servicesMessage } from '../mesh/fleet.js'
import { changesBetween, reference } from '../mesh/reference.js'
import { HOT_HOST, HOT_SERVICE, type Scene, setScene } from '../mesh/scene.js'
import type { Measured } from '../report/result.js'
import { herdHolding, sizesOf } from './p1.js'
import { connectHerd } from './push.js'

/** P10: an endpoint of one service changes a hundred times in a second, and every proxy holds it. */
export const p10: Bench = {
  name: 'p10',
  title: 'an endpoint changes 100 times a second: each report → last ACK; memory before and after (--soak: 10 min)',
  async *run(context) {
    const { services, proxies } = sizesOf(context)
    await using scene = await setScene({ services, hosts: proxies })
    await using load = new Load()
    await using server = await startMesh(scene.directory, 'plain', context)
    await connectHerd(load, server, scene, herdHolding(20, proxies, scene), context)
    yield* churnFor(context.quick ? 5 : 60, scene, load, server, context)
    if (context.soak) yield* soak(scene, load, server, context)
  },
}

async function* churnFor(
  seconds: number,
  scene: Scene,
  load: Load,
  server: Server,
  context: BenchContext,
): AsyncGenerator<Measured> {
  const { rssMb: before } = await settled(server)
  context.progress(`${PER_SECOND} reports a second for ${seconds} s`)
  const values = await churn(seconds, scene.size, load)
  const { cpuMs, blockedMs } = await server.usage()
  const faults = [...(await endsAs(seconds, scene, load))]
  const { rssMb } = await settled(server)
  yield {
    what: `${PER_SECOND}/s for ${seconds} s`,
    unit: 'ms',
    values: [...values],
    cpuMs: cpuMs / values.length,
    rssMb,
    blockedMs,
    bar: [
      { of: 'p99', most: 1_000 },
      { of: 'blockedMs', most: 50 },
    ],
    faults,
  }
  yield { what: 'memory after it, beside that before', unit: 'MB', values: [rssMb], floor: [before], faults }
}

/** What stays in memory shows after minutes, not after one. */
async function* soak(scene: Scene, load: Load, server: Server, context: BenchContext): AsyncGenerator<Measured> {
  let first = 0
  for (let minute = 1; minute <= SOAK_MINUTES; minute++) {
    context.progress(`minute ${minute} of ${SOAK_MINUTES}`)
    await churn(60, scene.size, load)
    if (minute === 1) first = (await settled(server)).rssMb
  }
  const { rssMb } = await settled(server)
  const faults = [...(await endsAs(60, scene, load))]
  const bar = [{ of: 'ratio', most: 1.1 }] as const
  yield {
    what: 'memory after minute 10, beside minute 1',
    unit: 'MB',
    values: [rssMb],
    floor: [first],
    bar: [...bar],
    faults,
  }
}

function churn(seconds: number, size: FleetSize, load: Load): Promise<readonly number[]> {
  const reports = Array.from({ length: seconds * PER_SECOND }, (_, index) => ({ weight: weightOf(index) }))
  return load.remote.ask('churn', {
    host: hostName(HOT_HOST),
    name: `${serviceName(HOT_SERVICE)}/${PORT}`,
    address: hostAddress(HOT_HOST),
    messages: reports.map((one) => toBinary(AgentMessageSchema, servicesMessage(HOT_HOST, size, one))),
    everyMs: 1000 / PER_SECOND,
  })
}

/** Holds the clients against what the last report makes of the mesh, and gives them the usual goal again. */
async function endsAs(seconds: number, { directory, size, expected }: Scene, load: Load): Promise<readonly string[]> {
  const last = { weight: weightOf(seconds * PER_SECOND - 1) }
  const ended = await reference(directory, size, new Map([[HOT_HOST, last]]))
  await load.remote.ask('aim', { changes: changesBetween(expected, ended) })
  const faults = await load.faults()
  await load.remote.ask('aim', { changes: changesBetween(ended, expected) })
  return faults
}

async function settled(server: Server) {
  await pause(5_000)
  return server.usage()
}

const PER_SECOND = 100
const SOAK_MINUTES = 10
