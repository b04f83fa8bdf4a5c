import type { ServiceDescription } from '../../../common/admin-api.js'
import { suggest } from '../../../common/config/suggest.js'
import type { Problem } from '../../../common/problem.js'
import type { Config } from '../../config/config.js'
import { concerns } from '../../describe/problems.js'
import { describedServices, describeService } from '../../describe/service.js'
import { AdminRefusal } from '../server.js'
import { viewInstance } from './services.js'
import type { ViewSource } from './source.js'
import { viewProblem } from './status.js'

/** The documents in effect, with the problems of reading them. */
export interface ReadDocuments {
  readonly config: Config
  readonly problems: readonly Problem[]
}

/**
 * One service with all that is in effect for it.
 *
 * @throws AdminRefusal 404 with the name that was probably meant
 */
export function viewService(
  service: string,
  { state, records }: ViewSource,
  { config, problems: reading }: ReadDocuments,
): ServiceDescription {
  const { catalog, mesh } = state
  if (mesh === undefined) throw new AdminRefusal(503, 'nothing is built yet')
  const known = describedServices({ catalog, config })
  if (!known.includes(service)) {
    const near = suggest(service, known)
    const hint = near === undefined ? 'mesh services lists those that run' : `did you mean ${near}?`
    throw new AdminRefusal(404, `no service ${service} is known`, hint)
  }
  const problems = [...reading, ...state.problems]
  const described = describeService(service, { config, catalog, mesh, problems, records })
  const instances = catalog.instances.get(service) ?? []
  return {
    service,
    name: `${service}.${mesh.domain}`,
    ...described,
    instances: instances.map((instance) => ({
      ...viewInstance(instance),
      ...(described.instances.get(instance.id) ?? { used: false, notes: [] }),
    })),
    problems: problems.filter((problem) => concerns(problem, service, config)).map(viewProblem),
  }
}
