import type { ServiceDescription } from '../../common/admin-api.js'
import { formatPlace } from '../../common/problem.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import type { Config } from '../config/config.js'
import { describeAbsent } from './absent.js'
import { describeAccess } from './access.js'
import { type DescribedMesh, type DescribedService, lookUpService } from './described.js'
import { describeInstance } from './instances.js'
import { describePorts } from './ports.js'
import { describeRoutes, describeUnmatched } from './routes.js'
import { describeSettings } from './settings.js'

/** What {@link describeService} finds out; its instances have only what lists of instances do not tell. */
export interface Described extends Omit<ServiceDescription, 'service' | 'name' | 'instances' | 'problems'> {
  /** By the id of the instance. */
  readonly instances: ReadonlyMap<string, ReturnType<typeof describeInstance>>
}

/** What is in effect for a service; for a name that nobody knows, the defaults. */
export function describeService(service: string, mesh: DescribedMesh): Described {
  const of = lookUpService(service, mesh)
  return {
    absent: describeAbsent(of),
    ports: describePorts(of),
    settings: describeSettings(of),
    subsets: describeSubsets(of),
    access: describeAccess(of),
    routes: describeRoutes(of),
    unmatched: describeUnmatched(of),
    instances: new Map(of.instances.map((instance) => [instance.id, describeInstance(instance, of)])),
  }
}

/** The names that can be described, sorted: services with instances, and those that a document is about. */
export function describedServices({ catalog, config }: Pick<DescribedMesh, 'catalog' | 'config'>): readonly string[] {
  return [...new Set([...catalog.instances.keys(), ...documentedServices(config)])].sort()
}

function documentedServices({ services, routes, authorizations }: Config): readonly string[] {
  const guarded = authorizations.flatMap(({ value }) => [value.service ?? '*', ...(value.services ?? [])])
  return [...services.keys(), ...routes.keys(), ...guarded.filter((name) => name !== '*')]
}

function describeSubsets({ document, ports, mesh }: DescribedService): ServiceDescription['subsets'] {
  if (document === undefined) return []
  return Object.entries(document.value.subsets).map(([name, { labels }]) => {
    const endpoints = ports.flatMap((port) =>
      (mesh.ports.get(port.name)?.endpoints ?? []).filter((one) => one.name === `${port.name}/${name}`),
    )
    const addresses = endpoints.flatMap((one) => one.endpoints.map(({ address }) => formatSocketAddress(address)))
    const from = formatPlace(document.locate(['subsets', name]))
    return { name, labels, instances: new Set(addresses).size, from }
  })
}
