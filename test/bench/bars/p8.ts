import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench, BenchContext } from '../bench.js'
import { type MeshDirectory, writeMesh } from '../mesh/directory.js'
import { serviceDocuments } from '../mesh/documents.js'
import { type FleetSize, type Reported, serviceName } from '../mesh/fleet.js'
import { changesBetween, reference } from '../mesh/reference.js'
import { SERVER_CORE } from '../process/machine.js'
import { Remote } from '../process/remote.js'
import type { Condition, Measured } from '../report/result.js'
import type { PipelineApi } from '../server/pipeline-process.js'

const MAIN = fileURLToPath(new URL('../server/pipeline-process.js', import.meta.url))

/** P8: what it takes to build the mesh, without anybody to whom it is served. */
export const p8: Bench = {
  name: 'p8',
  title: 'building the mesh: everything from nothing, and after one change',
  async *run(context) {
    const size = context.quick ? { services: 100, hosts: 200 } : { services: 1_000, hosts: 2_000 }
    yield* buildsOf(size, context)
    const large = context.quick ? { services: 100, hosts: 1_000 } : { services: 1_000, hosts: 10_000 }
    yield* changesIn(large, context)
  },
}

async function* buildsOf(size: FleetSize, context: BenchContext): AsyncGenerator<Measured> {
  await using directory = await writeMesh(size)
  const { services, hosts } = size
  const runs = context.quick ? 3 : 10
  const name = `${services} services × ${hosts} instances`
  const starts: number[] = []
  for (let run = 0; run < Math.min(5, runs); run++) {
    await using fresh = pipelineProcess(context)
    starts.push(await fresh.ask('open', directory.path))
  }
  yield { what: `${name}: a process reads all documents and builds its first mesh`, unit: 'ms', values: starts }
  await using remote = pipelineProcess(context)
  await remote.ask('open', directory.path)
  const full = await times(runs, () => remote.ask('buildAll'))
  yield { what: `${name}: full build`, unit: 'ms', values: full, bar: [{ of: 'median', most: 200 }] }
  yield* endpointChanges(name, size, directory, remote, runs)
  yield await routeChanges(name, size, directory, remote, runs)
}

async function* changesIn(size: FleetSize, context: BenchContext): AsyncGenerator<Measured> {
  context.progress(`a mesh of ${size.hosts} instances`)
  await using directory = await writeMesh(size)
  await using remote = pipelineProcess(context)
  await remote.ask('open', directory.path)
  const name = `${size.services} services × ${size.hosts} instances`
  yield* endpointChanges(name, size, directory, remote, context.quick ? 3 : 10)
}

async function* endpointChanges(
  name: string,
  size: FleetSize,
  directory: MeshDirectory,
  remote: Remote<PipelineApi>,
  runs: number,
): AsyncGenerator<Measured> {
  const report = (reported: Reported) => remote.ask('report', { host: 0, size, reported })
  // The first report of a session also tells that the host is there.
  await times(4, (run) => report({ weight: 200 + run }))
  await remote.ask('usage')
  const values = await times(2 * runs, (run) => report({ weight: 300 + run }))
  const { blockedMs } = await remote.ask('usage')
  const wanted = await reference(directory, size, new Map([[0, { weight: 300 + 2 * runs - 1 }]]))
  const differences = changesBetween(await remote.ask('published'), wanted)
  const faults = differences
    .slice(0, 3)
    .map(({ layer, name: one }) => `${one} in ${layer} is not as built from nothing`)
  yield { what: `${name}: one endpoint changes`, unit: 'ms', values, blockedMs, bar: [...CHANGE], faults }
}

async function routeChanges(
  name: string,
  { services }: FleetSize,
  { path }: MeshDirectory,
  remote: Remote<PipelineApi>,
  runs: number,
): Promise<Measured> {
  const file = join(path, 'mesh.d', `${serviceName(1)}.yaml`)
  const values = await times(runs, async (run) => {
    await writeFile(file, serviceDocuments(1, services).replace('weight: 90', `weight: ${91 + run}`))
    return remote.ask('reload')
  })
  return { what: `${name}: one route changes, all documents are new objects`, unit: 'ms', values }
}

const CHANGE: readonly Condition[] = [
  { of: 'median', most: 10 },
  { of: 'blockedMs', most: 50 },
]

function pipelineProcess({ nodeOptions }: BenchContext): Remote<PipelineApi> {
  return new Remote<PipelineApi>(MAIN, SERVER_CORE, nodeOptions)
}

async function times(count: number, measure: (run: number) => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let run = 0; run < count; run++) values.push(await measure(run))
  return values
}
