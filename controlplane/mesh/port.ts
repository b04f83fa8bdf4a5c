import type { Located } from '../../common/config/located.js'
import type { RouteDocument } from '../config/schema/route.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { type Authorizations, httpAccess, namesPath, type ServiceAccess } from './access.js'
import { clustersOfPort } from './clusters.js'
import type { Lookup } from './destinations.js'
import type { InboundRoutes, MeshPort, NamedPort, OutboundTcp } from './mesh.js'
import { HTTP_PORT } from './names.js'
import { outboundRoutes, outboundTcp } from './outbound.js'
import type { Problems } from './report.js'
import type { ServicePort } from './service-ports.js'
import type { MeshSettings } from './settings.js'
import { tcpAllowList } from './tcp-allow-list.js'

/** The route documents of one service by port; that for all its ports stands under the empty text. */
export type RouteDocuments = ReadonlyMap<string, Located<RouteDocument>>

/** What a port is built from beside what its instances say of it. */
export interface PortContext {
  /** All ports of the same service. */
  readonly siblings: readonly ServicePort[]
  readonly document: Located<ServiceDocument> | undefined
  readonly routes: RouteDocuments | undefined
  readonly access: ServiceAccess
  readonly settings: MeshSettings
  /** The service itself, and those that its routes lead to. */
  readonly lookup: Lookup
  /** Names of all services, where {@link needsNames} says so. */
  readonly known: readonly string[]
  readonly problems: Problems
}

/** A port without its endpoints, which change far more often. */
export type BuiltPort = Omit<MeshPort, 'endpoints'>

/** Builds one port of a service. */
export function buildPort(port: ServicePort, context: PortContext): BuiltPort {
  return port.carriage === 'bytes' ? tcpPort(port, context) : httpPort(port, context)
}

/** Whether it matters which other services there are: where a tcp port denies something, the rest is spelt out. */
export function needsNames(ports: readonly ServicePort[], authorizations: Authorizations): boolean {
  return (
    ports.some(({ carriage }) => carriage === 'bytes') &&
    authorizations.some(({ value: { deny = [] } }) => deny.length > 0)
  )
}

function tcpPort(port: ServicePort, context: PortContext): BuiltPort {
  const { document, siblings, routes, access, lookup, known, settings, problems } = context
  const tcp = { name: port.name, service: port.service, besideHttp: besideHttp(siblings) }
  const allowList = isInside(port) ? tcpAllowList(tcp, access, known, settings, problems) : undefined
  const { result, sources } = outboundTcp(port, routeOf(port, routes, siblings), lookup, problems)
  return {
    named: namedPort(port, siblings, result),
    clusters: clustersOfPort(port, document, settings),
    ...(allowList === undefined ? {} : { allowList }),
    sources: sourcesOf(context, sources),
  }
}

function httpPort(port: ServicePort, context: PortContext): BuiltPort {
  const { document, siblings, routes, access, lookup, settings, problems } = context
  const route = routeOf(port, routes, siblings)
  const { result, sources } = outboundRoutes(port, route, lookup, problems)
  const rejectEscapedSlashes = namesPath(access) || (route !== undefined && routeNamesPath(route.value))
  const inbound: InboundRoutes = { name: port.name, access: httpAccess(access, settings), rejectEscapedSlashes }
  return {
    named: namedPort(port, siblings),
    clusters: clustersOfPort(port, document, settings),
    outbound: { ...result, rejectEscapedSlashes },
    ...(isInside(port) ? { inbound } : {}),
    sources: sourcesOf(context, sources),
  }
}

function isInside({ reach }: ServicePort): boolean {
  return reach === 'mesh'
}

function namedPort(port: ServicePort, siblings: readonly ServicePort[], tcp?: OutboundTcp): NamedPort {
  const { name, service, carriage } = port
  return { name, service, carriage, numbers: numbersOf(port, siblings), ...(tcp === undefined ? {} : { tcp }) }
}

function sourcesOf({ document, access }: PortContext, outbound: MeshPort['sources']['outbound']): MeshPort['sources'] {
  return {
    clusters: document === undefined ? [] : [document.location],
    outbound,
    access: access.documents.map(({ location }) => location),
  }
}

/** The port's own numbers and, for the first port of its service that carries requests, 80, unless another port of it is there. */
function numbersOf(port: ServicePort, siblings: readonly ServicePort[]): readonly number[] {
  const first = siblings.find(({ carriage }) => carriage === 'requests')
  const free = !siblings.some(({ numbers }) => numbers.includes(HTTP_PORT))
  return first === port && free ? [...port.numbers, HTTP_PORT].sort((a, b) => a - b) : port.numbers
}

/**
 * The route document of a port: that for the port by its name, or that for all ports of the service. The latter speaks
 * of requests where the service has an http port, and then leaves its tcp ports alone.
 */
export function routeOf(
  port: ServicePort,
  documents: RouteDocuments | undefined,
  siblings: readonly ServicePort[],
): Located<RouteDocument> | undefined {
  const forAll = port.carriage === 'bytes' && besideHttp(siblings) ? undefined : documents?.get('')
  return documents?.get(port.portName) ?? forAll
}

function routeNamesPath({ rules }: RouteDocument): boolean {
  return rules.some(({ match }) => [match ?? []].flat().some(({ path }) => path !== undefined))
}

function besideHttp(siblings: readonly ServicePort[]): boolean {
  return siblings.some(({ carriage }) => carriage === 'requests')
}
