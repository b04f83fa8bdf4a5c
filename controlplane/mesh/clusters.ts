import type { Located } from '../../common/config/located.js'
import { serviceId } from '../../common/identity.js'
import type { Problem } from '../../common/problem.js'
import { speechOf } from '../../common/protocol.js'
import type { Instance } from '../catalog/catalog.js'
import type { ServiceDocument } from '../config/schema/service.js'
import type { MeshCluster, MeshEndpoint, MeshEndpoints, Transport } from './mesh.js'
import { type Problems, problemAt } from './report.js'
import type { ServedPort, ServicePort } from './service-ports.js'
import type { MeshSettings } from './settings.js'

/** How long a connection, with its TLS handshake, may take unless a document says otherwise; milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000

/** The clusters of one port: of all its instances, and one for each subset of the service. */
export function clustersOfPort(
  port: ServicePort,
  document: Located<ServiceDocument> | undefined,
  settings: MeshSettings,
): readonly MeshCluster[] {
  return [{ name: port.name }, ...subsetsOf(port, document)].map(({ name }) => ({
    name,
    carriage: port.carriage,
    transport: transportOf(port, settings),
    ...connectionSettings(document?.value),
  }))
}

/** The endpoints of these clusters, in the same order. */
export function endpointsOfPort(
  port: ServedPort,
  document: Located<ServiceDocument> | undefined,
  problems: Problems,
): readonly MeshEndpoints[] {
  const subsets = subsetsOf(port, document).map(({ name, subset, labels }) => {
    const instances = port.instances.filter((instance) => hasLabels(instance, labels))
    if (document !== undefined && instances.length === 0) problems.push(emptySubset(port, document, subset))
    return { name, endpoints: endpointsOf(instances, port.portName) }
  })
  return [{ name: port.name, endpoints: endpointsOf(port.instances, port.portName) }, ...subsets]
}

function subsetsOf({ name }: ServicePort, document: Located<ServiceDocument> | undefined) {
  const subsets = Object.entries(document?.value.subsets ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return subsets.map(([subset, { labels }]) => ({ name: `${name}/${subset}`, subset, labels }))
}

function emptySubset({ name }: ServicePort, document: Located<ServiceDocument>, subset: string): Problem {
  return problemAt(document, ['subsets', subset], {
    code: 'MSH0305',
    severity: 'notice',
    message: `no instance of ${name} has these labels; requests for the subset get 503`,
  })
}

/** How callers connect to a service and choose an instance: what its document says over the defaults. */
export function connectionSettings(
  service: ServiceDocument | undefined,
): Pick<MeshCluster, 'connectTimeoutMs' | 'loadBalancing'> {
  return {
    connectTimeoutMs: service?.timeouts?.connect ?? CONNECT_TIMEOUT_MS,
    loadBalancing: service?.loadBalancing?.policy ?? 'least-request',
  }
}

function transportOf(port: ServicePort, { trustDomain, domain }: MeshSettings): Transport {
  if (port.reach === 'plain') return { kind: 'plain', speaks: speechOf(port.protocol) }
  return {
    kind: 'mesh',
    serverName: serverName(port.portName, port.service, domain),
    spiffeId: serviceId(trustDomain, port.service),
  }
}

/** The TLS server name by which callers find a port of a service at an inbound listener. */
export function serverName(portName: string, service: string, domain: string): string {
  return `${portName}.${service}.${domain}`
}

/** Whether an instance belongs to a subset of these labels. */
function hasLabels(instance: Instance, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => instance.labels[key] === value)
}

function endpointsOf(instances: readonly Instance[], portName: string): readonly MeshEndpoint[] {
  return instances
    .filter(({ health }) => health === 'passing')
    .map((instance) => ({ address: endpointAddress(instance, portName), weight: instance.weight }))
    .sort((a, b) => compareText(a.address.address, b.address.address) || a.address.port - b.address.port)
}

function endpointAddress({ reach, endpoint, ports }: Instance, portName: string) {
  if (reach === 'mesh') return endpoint
  return { address: endpoint.address, port: ports.find(({ name }) => name === portName)?.port ?? endpoint.port }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
