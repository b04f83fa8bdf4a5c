import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatProblem } from '../../common/problem.js'
import type { Mesh } from '../../controlplane/mesh/mesh.js'
import { meshFrom, type TestMesh } from '../mesh/inputs.js'

const CASES = fileURLToPath(new URL('../../../test/golden/cases/', import.meta.url))

/** A case: what users wrote and what runs, made into a mesh. */
export interface GoldenCase {
  readonly name: string
  /** Path of the file that holds what is expected. */
  readonly output: string
  readonly mesh: Mesh
  /** The same with all that it was made from. */
  readonly built: TestMesh
  /** Everything that was found wrong, as it is printed. */
  readonly problems: readonly string[]
}

/** The mesh with one of its hosts under another name, so that an Envoy of that name gets its configuration. */
export function meshAsSeenBy(built: TestMesh, host: string, envoy: string): TestMesh {
  const meshHost = built.mesh.hosts.get(host)
  const catalogHost = built.catalog.hosts.get(host)
  if (meshHost === undefined || catalogHost === undefined) throw new Error(`there is no host ${host}`)
  return {
    ...built,
    mesh: { ...built.mesh, hosts: new Map([[envoy, { ...meshHost, name: envoy }]]) },
    catalog: { ...built.catalog, hosts: new Map([[envoy, { ...catalogHost, name: envoy }]]) },
  }
}

/** All cases, found by reading the folder. @param envoy version of the Envoys of their hosts */
export async function readCases(envoy?: string): Promise<readonly GoldenCase[]> {
  const names = (await readdir(CASES)).sort()
  return Promise.all(names.map((name) => readCase(name, envoy)))
}

async function readCase(name: string, envoy: string | undefined): Promise<GoldenCase> {
  const directory = join(CASES, name)
  const [hosts, documents] = await Promise.all(
    ['hosts.yaml', 'mesh.yaml'].map((file) => readFile(join(directory, file), 'utf8')),
  )
  const built = meshFrom(hosts ?? '', documents, envoy)
  return {
    name,
    output: join(directory, 'out.yaml'),
    mesh: built.mesh,
    built,
    problems: built.problems.map(formatProblem),
  }
}
