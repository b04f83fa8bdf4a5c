import type { ServiceDescription } from '../../common/admin-api.js'
import { formatProblem, type Problem } from '../../common/problem.js'
import { EMPTY_PUBLICATION } from '../../common/xds/resource.js'
import { viewService } from '../../controlplane/admin/views/service.js'
import type { ViewSource } from '../../controlplane/admin/views/source.js'
import type { SelfFacts } from '../../controlplane/admin/views/status.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import type { Instance } from '../../controlplane/catalog/catalog.js'
import { type MergeInput, mergeCatalog } from '../../controlplane/catalog/merge.js'
import { buildFrom, meshFrom, TRUST_DOMAIN } from '../mesh/inputs.js'

/** When services are described, milliseconds. */
const NOW = 3_600_000

const SELF: SelfFacts = {
  id: 'cp-1',
  version: '0',
  trustDomain: TRUST_DOMAIN,
  domain: 'mesh',
  startedAt: 0,
  certificateExpiry: 0,
  authority: [],
  config: { readAt: 0, loadedAt: 0, documents: 0, problems: [] },
}

/** What is different from hosts that are well. */
export interface Changes {
  readonly instance?: (one: Instance) => Instance
  readonly record?: (one: AgentRecord) => AgentRecord
  readonly mayRun?: MergeInput['mayRun']
  readonly source?: Partial<ViewSource>
}

/** Describes a service as a control plane does that has read these texts; the documents are in `mesh.yaml`. */
export function describedFrom(
  service: string,
  hosts: string,
  documents = '',
  { instance = (one) => one, record = (one) => one, mayRun = () => true, source = {} }: Changes = {},
): ServiceDescription {
  const { config, agents, problems } = meshFrom(hosts, documents)
  const records = new Map([...agents].map(([host, one]) => [host, record(one)]))
  const merged = mergeCatalog({ agents: records, files: config.catalogs, mayRun, now: NOW })
  const instances = new Map([...merged.catalog.instances].map(([name, all]) => [name, all.map(instance)]))
  const catalog = { ...merged.catalog, instances }
  const built = buildFrom(catalog, config)
  const state = { catalog, config, mesh: built.mesh, publication: EMPTY_PUBLICATION, problems: [], sourcesOf: () => [] }
  const view: ViewSource = {
    id: 'cp-1',
    state: { ...state, problems: once([...problems, ...merged.problems, ...built.problems]) },
    records,
    enrolled: [],
    streams: [],
    left: new Map(),
    clones: new Map(),
    quarantined: [],
    ...source,
  }
  return viewService(service, view, SELF)
}

/** What was built twice, before and after the change of its instances, has most problems twice. */
function once(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()]
}
