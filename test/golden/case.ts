import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { readYaml } from '../../common/config/yaml.js'
import { formatProblem } from '../../common/problem.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import { mergeCatalog } from '../../controlplane/catalog/merge.js'
import { assembleConfig } from '../../controlplane/config/assemble.js'
import { parseDocument } from '../../controlplane/config/parse.js'
import { buildMesh } from '../../controlplane/mesh/build.js'
import type { Mesh } from '../../controlplane/mesh/mesh.js'
import { allocateOffsets, NO_OFFSETS } from '../../controlplane/mesh/virtual-address.js'

const CASES = fileURLToPath(new URL('../../../test/golden/cases/', import.meta.url))

/** What stands in `hosts.yaml`: each host with the services that it reports. */
type HostsFile = Readonly<
  Record<
    string,
    {
      readonly address: string
      readonly caller?: string
      readonly occupied?: readonly number[]
      readonly services: Readonly<Record<string, ServiceText>>
    }
  >
>

interface ServiceText {
  readonly port: number
  readonly protocol?: 'http' | 'tcp'
  readonly version?: string
  readonly health?: 'passing' | 'critical'
  readonly upstreams?: readonly { readonly service: string; readonly address: string; readonly port: number }[]
}

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
  const hosts = parse(await readFile(join(directory, 'hosts.yaml'), 'utf8')) as HostsFile
  const { documents, problems } = readYaml('mesh.yaml', await readFile(join(directory, 'mesh.yaml'), 'utf8'))
  const parsed = documents.map(parseDocument)
  const accepted = parsed.flatMap(({ identity, document }) =>
    identity === undefined || document === undefined ? [] : [{ identity, document }],
  )
  const assembled = assembleConfig(accepted, new Map())
  const agents = new Map(Object.entries(hosts).map(([host, text]) => [host, recordOf(host, text)]))
  const files = assembled.config.catalogs
  const merged = mergeCatalog({ agents, files, mayRun: () => true, now: 0 })
  const services = [...merged.catalog.instances.keys()]
  const settings = { trustDomain: 'golden.example', domain: 'mesh' }
  const built = buildMesh(merged.catalog, assembled.config, allocateOffsets(NO_OFFSETS, services, 0), settings)
  const all = [
    ...problems,
    ...parsed.flatMap((one) => one.problems),
    ...assembled.problems,
    ...merged.problems,
    ...built.problems,
  ]
  const output = join(directory, 'out.yaml')
  return { name, output, mesh: built.mesh, problems: all.map(formatProblem), services }
}

function recordOf(host: string, { address, caller = '', occupied = [], services }: HostsFile[string]): AgentRecord {
  const inbound = { address, port: 15006 }
  return {
    host,
    session: { state: 'live', since: 0 },
    facts: {
      advertised: inbound,
      inbound,
      region: '',
      zone: '',
      labels: {},
      agentVersion: '0',
      envoyVersion: '1.40.0',
      namesRange: '127.99.0.0/16',
      namesDns: `${address}:15053`,
      occupiedPorts: [...occupied],
      caller,
      applicationAddress: address,
      envoyMetrics: '',
    },
    services: Object.entries(services).map(([service, text]) => ({
      service,
      ports: [{ name: 'main', port: text.port, protocol: text.protocol ?? 'http', assumed: false }],
      labels: text.version === undefined ? {} : { version: text.version },
      weight: 100,
      health: text.health ?? 'passing',
      healthDetail: '',
      source: `services.d/${service}.yaml:1`,
      upstreams: (text.upstreams ?? []).map(({ service: target, address, port }) => ({
        service: target,
        bind: { address, port },
        port: '',
      })),
    })),
  }
}
