import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import type { Mesh, MeshPort, Sources } from '../mesh/mesh.js'

/**
 * The documents that a resource was made from, by its type and name, so that Envoy's refusal of it can be shown to who
 * wrote them. Empty where it was made from nothing that a person wrote on the control plane.
 */
export function sourcesOf(mesh: Mesh, type: string, name: string): Sources {
  const [plain = ''] = name.split('@')
  const port = portOf(mesh, type, plain)
  if (port === undefined) return []
  const { clusters, outbound, access } = port.sources
  if (type === CLUSTER || type === ENDPOINT) return port.clusters.some((one) => one.name === plain) ? clusters : []
  if (type === ROUTE && plain.startsWith('inbound/')) return access
  if (type === ROUTE || type === LISTENER) return outbound
  return type === SECRET ? access : []
}

/** The port whose name stands in a resource's name: first in clusters and endpoints, behind a word elsewhere. */
function portOf({ ports }: Mesh, type: string, name: string): MeshPort | undefined {
  const start = type === CLUSTER || type === ENDPOINT ? 0 : 1
  return ports.get(
    name
      .split('/')
      .slice(start, start + 2)
      .join('/'),
  )
}
