import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatProblem } from '../../common/problem.js'
import type { Mesh } from '../../controlplane/mesh/mesh.js'
import { meshFrom } from '../mesh/inputs.js'

const CASES = fileURLToPath(new URL('../../../test/golden/cases/', import.meta.url))

/** A case: what users wrote and what runs, made into a mesh. */
export interface GoldenCase {
  readonly name: string
  /** Path of the file that holds what is expected. */
  readonly output: string
  readonly mesh: Mesh
  /** Everything that was found wrong, as it is printed. */
  readonly problems: readonly string[]
  /** Services that run on any host: Envoy needs their certificates. */
  readonly services: readonly string[]
}

/** All cases, found by reading the folder. */
export async function readCases(): Promise<readonly GoldenCase[]> {
  const names = (await readdir(CASES)).sort()
  return Promise.all(names.map(readCase))
}

async function readCase(name: string): Promise<GoldenCase> {
  const directory = join(CASES, name)
  const [hosts, documents] = await Promise.all(
    ['hosts.yaml', 'mesh.yaml'].map((file) => readFile(join(directory, file), 'utf8')),
  )
  const { mesh, catalog, problems } = meshFrom(hosts ?? '', documents)
  return {
    name,
    output: join(directory, 'out.yaml'),
    mesh,
    problems: problems.map(formatProblem),
    services: [...catalog.instances.keys()],
  }
}
