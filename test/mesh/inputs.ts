import { parse } from 'yaml'
import type { Protocol } from '../../common/config/fields.js'
import type { Problem } from '../../common/problem.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import type { Catalog } from '../../controlplane/catalog/catalog.js'
import { mergeCatalog } from '../../controlplane/catalog/merge.js'
import type { ServiceFacts } from '../../controlplane/catalog/report.js'
import type { Config } from '../../controlplane/config/config.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { buildMesh } from '../../controlplane/mesh/build.js'
import type { Mesh } from '../../controlplane/mesh/mesh.js'
import { allocateOffsets, NO_OFFSETS } from '../../controlplane/mesh/virtual-address.js'

/** The trust domain of the meshes that tests build. */
export const TRUST_DOMAIN = 'golden.example'

/** What runs, as tests write it: each host with the services that it reports. */
export type Hosts = Readonly<Record<string, HostText>>

interface HostText {
  readonly address: string
  readonly caller?: string
  /** Version of its Envoy; absent: as for all. */
  readonly envoy?: string
  readonly occupied?: readonly number[]
  /** Port to which connections to virtual addresses are redirected; absent: mode bind. */
  readonly redirect?: number
  /** Of virtual addresses; 127.99.0.0/16 unless given. */
  readonly range?: string
  readonly services: Readonly<Record<string, ServiceText>>
}

interface ServiceText {
  /** Of the port `main`; or several by their names. */
  readonly port?: number
  readonly ports?: Readonly<Record<string, { readonly port: number; readonly protocol?: Protocol }>>
  readonly protocol?: Protocol
  readonly version?: string
  readonly health?: 'passing' | 'critical'
  readonly upstreams?: readonly UpstreamText[]
}

interface UpstreamText {
  readonly service: string
  readonly address: string
  readonly port: number
  /** The named port that is called. */
  readonly target?: string
}

/** A mesh with what it was built from. */
export interface TestMesh {
  readonly mesh: Mesh
  readonly catalog: Catalog
  readonly config: Config
  /** Of the documents, then of the catalog, then of the references between them. */
  readonly problems: readonly Problem[]
}

/**
 * Reads, merges and builds as the control plane does.
 *
 * @param hosts YAML of {@link Hosts}
 * @param documents text of a file `mesh.yaml`
 * @param envoy version of the Envoys
 */
export function meshFrom(hosts: string, documents = '', envoy = '1.40.0'): TestMesh {
  const files = documents === '' ? [] : [{ shown: 'mesh.yaml', text: documents }]
  const { config, problems } = new ConfigLoader().load({ files, hidden: [], problems: [] }, 0).loaded
  const agents = new Map(
    Object.entries(parse(hosts) as Hosts).map(([host, text]) => [host, recordOf(host, { envoy, ...text })]),
  )
  const merged = mergeCatalog({ agents, files: config.catalogs, mayRun: () => true, now: 0 })
  const built = buildFrom(merged.catalog, config)
  return {
    mesh: built.mesh,
    catalog: merged.catalog,
    config,
    problems: [...problems, ...merged.problems, ...built.problems],
  }
}

/** Builds a mesh with the virtual addresses that its services get when all are new. */
export function buildFrom(catalog: Catalog, config: Config): ReturnType<typeof buildMesh> {
  const offsets = allocateOffsets(NO_OFFSETS, [...catalog.instances.keys()], 0)
  return buildMesh(catalog, config, offsets, { trustDomain: TRUST_DOMAIN, domain: 'mesh' })
}

function recordOf(
  host: string,
  { address, range, caller = '', occupied = [], redirect = 0, envoy = '', services }: HostText,
): AgentRecord {
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
      envoyVersion: envoy,
      namesRange: range ?? '127.99.0.0/16',
      namesDns: `${address}:15053`,
      occupiedPorts: [...occupied],
      portHolders: [],
      namesRedirectPort: redirect,
      namesProblem: '',
      caller,
      applicationAddress: address,
      envoyMetrics: '',
      agentMetrics: '',
    },
    services: Object.entries(services).map(([service, text]) => factsOf(service, text)),
  }
}

function factsOf(service: string, text: ServiceText): ServiceFacts {
  const { port = 8080, protocol = 'http', ports = { main: { port, protocol } } } = text
  return {
    service,
    ports: Object.entries(ports).map(([name, one]) => ({
      name,
      port: one.port,
      protocol: one.protocol ?? 'http',
      assumed: false,
    })),
    labels: text.version === undefined ? {} : { version: text.version },
    weight: 100,
    health: text.health ?? 'passing',
    healthDetail: '',
    source: `services.d/${service}.yaml:1`,
    exposedAt: [],
    upstreams: (text.upstreams ?? []).map((upstream) => ({
      service: upstream.service,
      bind: { address: upstream.address, port: upstream.port },
      port: upstream.target ?? '',
    })),
  }
}
