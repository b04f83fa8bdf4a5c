import { compareProblems, formatProblem, type Problem } from '../../common/problem.js'
import type { Catalog } from '../catalog/catalog.js'
import type { Config } from '../config/config.js'
import type { RouteDocument } from '../config/schema/route.js'
import { accessOfService, httpAccess, namesPath } from './access.js'
import { clustersOfPort } from './clusters.js'
import type { Lookup } from './destinations.js'
import { buildHost } from './hosts.js'
import type { Mesh, MeshPort, NamedPort } from './mesh.js'
import { HTTP_PORT, nameViews, numbersOfNames } from './names.js'
import { outboundRoutes, outboundTcp } from './outbound.js'
import { type Problems, problemOf } from './report.js'
import { placeOf, portsOfService, type ServicePort } from './service-ports.js'
import type { MeshSettings } from './settings.js'
import { tcpAllowList } from './tcp-allow-list.js'
import { unusedDocuments } from './unused.js'
import type { Offsets } from './virtual-address.js'

/** What a port is built from. */
interface PortContext {
  readonly config: Config
  readonly settings: MeshSettings
  readonly lookup: Lookup
  /** Names of all services. */
  readonly known: readonly string[]
  readonly problems: Problems
}

/**
 * Merges what runs (the catalog) with what was asked for (the configuration).
 *
 * A document that names an unknown service, port or subset is left out and reported, so one bad file never takes the
 * others down. The result is sorted by name: equal inputs give equal output.
 *
 * @param offsets of the services' virtual addresses; a service without one has no name on any host
 */
export function buildMesh(
  catalog: Catalog,
  config: Config,
  offsets: Offsets,
  settings: MeshSettings,
): { readonly mesh: Mesh; readonly problems: readonly Problem[] } {
  const problems: Problems = []
  const known = [...catalog.instances.keys()].sort()
  const lookup: Lookup = { ports: lookUpPorts(known, catalog, config, problems), services: config.services }
  const context: PortContext = { config, settings, lookup, known, problems }
  const servicePorts = [...lookup.ports.values()].flat().sort((a, b) => (a.name < b.name ? -1 : 1))
  const ports = new Map(servicePorts.map((port) => [port.name, buildPort(port, context)]))
  const hosts = [...catalog.hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const named = [...ports.values()].map((port) => port.named)
  const hostContext = { ports, numbers: numbersOfNames(named), lookup, settings, problems }
  const meshHosts = hosts.map((host) => buildHost(host, hostContext))
  problems.push(...unusedDocuments(config, lookup))
  noteNameOfDomain(catalog, settings, problems)
  return {
    mesh: {
      ...settings,
      ports,
      hosts: new Map(meshHosts.map((host) => [host.name, host])),
      nameViews: nameViews(hosts, named, offsets),
    },
    problems: sortedOnce(problems),
  }
}

/** `mesh.mesh` works, but whoever reads or writes `mesh` alone means something else. */
function noteNameOfDomain(catalog: Catalog, { domain }: MeshSettings, problems: Problems): void {
  const [instance] = catalog.instances.get(domain) ?? []
  if (instance === undefined) return
  const message = `the service ${domain} has the name of the domain; it is called as ${domain}.${domain}`
  problems.push(problemOf(placeOf(instance), { code: 'MSH0412', severity: 'notice', message }))
}

function lookUpPorts(known: readonly string[], catalog: Catalog, config: Config, problems: Problems): Lookup['ports'] {
  return new Map(
    known.map((service) => {
      const instances = catalog.instances.get(service) ?? []
      return [service, portsOfService(service, instances, config.services.get(service), problems)]
    }),
  )
}

function buildPort(port: ServicePort, context: PortContext): MeshPort {
  const { config, settings, problems } = context
  const access = accessOfService(port.service, config.authorizations, config.mesh?.value.authorization ?? 'allow')
  const clusters = clustersOfPort(port, config.services.get(port.service), settings, problems)
  const named = namedPort(port, context)
  const inside = port.reach === 'mesh'
  const sources = access.documents.map(({ location }) => location)
  if (port.carriage === 'bytes') {
    const tcp = { name: port.name, service: port.service, besideHttp: besideHttp(port, context.lookup) }
    const allowList = inside ? tcpAllowList(tcp, access, context.known, settings, problems) : undefined
    return { named, ...clusters, ...(allowList === undefined ? {} : { allowList }) }
  }
  const route = routeOf(port, context)
  const rejectEscapedSlashes = namesPath(access) || (route !== undefined && routeNamesPath(route.value))
  const outbound = { ...outboundRoutes(port, route, context.lookup, problems), rejectEscapedSlashes }
  const inbound = { name: port.name, access: httpAccess(access, settings), rejectEscapedSlashes, sources }
  return { named, ...clusters, outbound, ...(inside ? { inbound } : {}) }
}

function namedPort(port: ServicePort, context: PortContext): NamedPort {
  const { name, service, carriage } = port
  const { lookup, problems } = context
  return {
    name,
    service,
    carriage,
    numbers: numbersOf(port, lookup),
    ...(carriage === 'bytes' ? { tcp: outboundTcp(port, routeOf(port, context), lookup, problems) } : {}),
  }
}

/** The port's own numbers and, for the first port of its service that carries requests, 80, unless another port of it is there. */
function numbersOf(port: ServicePort, { ports }: Lookup): readonly number[] {
  const siblings = ports.get(port.service) ?? []
  const first = siblings.find(({ carriage }) => carriage === 'requests')
  const free = !siblings.some(({ numbers }) => numbers.includes(HTTP_PORT))
  return first === port && free ? [...port.numbers, HTTP_PORT].sort((a, b) => a - b) : port.numbers
}

/**
 * The route document of a port: that for the port by its name, or that for all ports of the service. The latter speaks
 * of requests where the service has an http port, and then leaves its tcp ports alone.
 */
export function routeOf(port: ServicePort, { config, lookup }: Pick<PortContext, 'config' | 'lookup'>) {
  const documents = config.routes.get(port.service)
  const forAll = port.carriage === 'bytes' && besideHttp(port, lookup) ? undefined : documents?.get('')
  return documents?.get(port.portName) ?? forAll
}

function routeNamesPath({ rules }: RouteDocument): boolean {
  return rules.some(({ match }) => [match ?? []].flat().some(({ path }) => path !== undefined))
}

function besideHttp({ service }: ServicePort, { ports }: Lookup): boolean {
  return (ports.get(service) ?? []).some(({ carriage }) => carriage === 'requests')
}

/** In the order of files, each once: a document is looked at for every port that it is about. */
function sortedOnce(problems: Problems): readonly Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()].sort(compareProblems)
}
