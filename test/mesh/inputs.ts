import { formatProblem, type Problem } from '../../common/problem.js'
import type { AgentRecords } from '../../controlplane/catalog/agents.js'
import type { Catalog } from '../../controlplane/catalog/catalog.js'
import { mergeCatalog } from '../../controlplane/catalog/merge.js'
import type { Config } from '../../controlplane/config/config.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { buildMesh } from '../../controlplane/mesh/build.js'
import type { Mesh } from '../../controlplane/mesh/mesh.js'
import { allocateOffsets, NO_OFFSETS } from '../../controlplane/mesh/virtual-address.js'
import { type HostDefaults, parseHosts } from '../../controlplane/offline/hosts-file.js'

/** The trust domain of the meshes that tests build. */
export const TRUST_DOMAIN = 'golden.example'

/** Hosts that real Envoys play beside each other on one machine: each has its applications and its DNS at its address. */
const ON_ONE_MACHINE: HostDefaults = {
  range: '127.99.0.0/16',
  dns: (address) => `${address}:15053`,
  application: (address) => address,
  caller: () => '',
}

/** A mesh with what it was built from. */
export interface TestMesh {
  readonly mesh: Mesh
  readonly catalog: Catalog
  readonly config: Config
  /** What the agents of the hosts report. */
  readonly agents: AgentRecords
  /** Of the documents, then of the catalog, then of the references between them. */
  readonly problems: readonly Problem[]
}

/**
 * Reads, merges and builds as the control plane does.
 *
 * @param hosts YAML as `mesh render --hosts` takes it
 * @param documents text of a file `mesh.yaml`
 * @param envoy version of the Envoys
 */
export function meshFrom(hosts: string, documents = '', envoy = '1.40.0'): TestMesh {
  const files = documents === '' ? [] : [{ shown: 'mesh.yaml', text: documents }]
  const { config, problems } = new ConfigLoader().load({ files, hidden: [], problems: [] }, 0).loaded
  const { agents: described, problems: wrong } = parseHosts('hosts.yaml', hosts, ON_ONE_MACHINE)
  if (wrong.length > 0) throw new Error(wrong.map(formatProblem).join(' '))
  const agents = new Map(
    [...described].map(([host, record]) => {
      const { envoyVersion } = record.facts
      return [host, { ...record, facts: { ...record.facts, envoyVersion: envoyVersion || envoy } }]
    }),
  )
  const merged = mergeCatalog({ agents, files: config.catalogs, mayRun: () => true, now: 0 })
  const built = buildFrom(merged.catalog, config)
  return {
    mesh: built.mesh,
    catalog: merged.catalog,
    config,
    agents,
    problems: [...problems, ...merged.problems, ...built.problems],
  }
}

/** Builds a mesh with the virtual addresses that its services get when all are new. */
export function buildFrom(catalog: Catalog, config: Config): ReturnType<typeof buildMesh> {
  const offsets = allocateOffsets(NO_OFFSETS, [...catalog.instances.keys()], 0)
  return buildMesh(catalog, config, offsets, { trustDomain: TRUST_DOMAIN, domain: 'mesh' })
}
