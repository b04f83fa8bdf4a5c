import type { ServiceDescription } from '../../../common/admin-api.js'
import { suggest } from '../../../common/config/suggest.js'
import { TYPE_NAMES } from '../../../common/xds/types.js'
import { placeOf } from '../../catalog/place.js'
import type { Refusal } from '../../describe/described.js'
import { problemsOf } from '../../describe/problems.js'
import { describedServices, describeService } from '../../describe/service.js'
import { AdminRefusal } from '../server.js'
import { viewHosts } from './hosts.js'
import { viewInstance } from './services.js'
import type { ViewSource } from './source.js'
import { type SelfFacts, viewAllProblems } from './status.js'

/**
 * One service with all that is in effect for it.
 *
 * @throws AdminRefusal 404 with the name that was probably meant
 */
export function viewService(service: string, source: ViewSource, self: SelfFacts): ServiceDescription {
  const { state, records, enrolled } = source
  const { catalog, config, mesh } = state
  if (mesh === undefined || config === undefined) throw new AdminRefusal(503, 'nothing is built yet')
  const problems = [...self.config.problems, ...state.problems]
  const refusals = refusalsIn(source)
  const described = describeService(service, { config, catalog, mesh, problems, records, enrolled, refusals })
  // One whose last host was banned is in no list any more, and is what somebody asks about then.
  if (described.absent.length === 0) refuseUnknown(service, describedServices({ catalog, config }))
  const instances = catalog.instances.get(service) ?? []
  const hosts = new Set(instances.flatMap(({ host = '' }) => host))
  return {
    service,
    name: `${service}.${mesh.domain}`,
    ...described,
    instances: instances.map((instance) => ({
      ...viewInstance(instance),
      ...(described.instances.get(instance.id) ?? { used: false, notes: [] }),
    })),
    problems: problemsOf(
      { service, config, hosts, sources: sourcesOf(service, records) },
      viewAllProblems(source, self),
    ),
  }
}

/** The files in which hosts have the service: `web-1:services.d/web.yaml`. */
function sourcesOf(service: string, records: ViewSource['records']): readonly string[] {
  return [...records.values()].flatMap(({ host, services }) =>
    services.flatMap((one) => (one.service === service ? placeOf(host, one.source).file : [])),
  )
}

function refusalsIn(source: ViewSource): readonly Refusal[] {
  const stopped = new Set(source.quarantined.map(({ type, name }) => `${TYPE_NAMES.get(type) ?? type}/${name}`))
  return viewHosts(source).flatMap(({ host, refused }) =>
    refused.map(({ type, name }) => ({ host, type, name, stopped: stopped.has(`${type}/${name}`) })),
  )
}

function refuseUnknown(service: string, known: readonly string[]): void {
  if (known.includes(service)) return
  const near = suggest(service, known)
  const hint = near === undefined ? 'mesh services lists those that run' : `did you mean ${near}?`
  throw new AdminRefusal(404, `no service ${service} is known`, hint)
}
