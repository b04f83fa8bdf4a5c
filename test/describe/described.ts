import type { ServiceDescription } from '../../common/admin-api.js'
import { formatProblem, type Problem } from '../../common/problem.js'
import { EMPTY_PUBLICATION } from '../../common/xds/resource.js'
import { viewService } from '../../controlplane/admin/views/service.js'
import type { ViewSource } from '../../controlplane/admin/views/source.js'
import type { AgentRecord } from '../../controlplane/catalog/agents.js'
import type { Instance } from '../../controlplane/catalog/catalog.js'
import { buildFrom, meshFrom } from '../mesh/inputs.js'

/** What is different from hosts that are well. */
export interface Changes {
  readonly instance?: (one: Instance) => Instance
  readonly record?: (one: AgentRecord) => AgentRecord
  readonly source?: Partial<ViewSource>
}

/** Describes a service as a control plane does that has read these texts; the documents are in `mesh.yaml`. */
export function describedFrom(
  service: string,
  hosts: string,
  documents = '',
  { instance = (one) => one, record = (one) => one, source = {} }: Changes = {},
): ServiceDescription {
  const { catalog: merged, config, agents, problems } = meshFrom(hosts, documents)
  const instances = new Map([...merged.instances].map(([name, all]) => [name, all.map(instance)]))
  const catalog = { ...merged, instances }
  const built = buildFrom(catalog, config)
  const state = { catalog, mesh: built.mesh, publication: EMPTY_PUBLICATION, problems: [], sourcesOf: () => [] }
  const records = new Map([...agents].map(([host, one]) => [host, record(one)]))
  const view: ViewSource = {
    id: 'cp-1',
    state: { ...state, problems: once([...problems, ...built.problems]) },
    records,
    enrolled: [],
    streams: [],
    clones: new Map(),
    quarantined: [],
    ...source,
  }
  return viewService(service, view, { config, problems: [] })
}

/** What was built twice, before and after the change of its instances, has most problems twice. */
function once(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()]
}
