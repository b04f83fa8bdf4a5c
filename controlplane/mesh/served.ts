import type { Located } from '../../common/config/located.js'
import type { Instance } from '../catalog/catalog.js'
import type { ServiceDocument } from '../config/schema/service.js'
import { endpointsOfPort } from './clusters.js'
import type { MeshEndpoints } from './mesh.js'
import type { Problems } from './report.js'
import { portsOfService, type ServedPort, type ServicePort } from './service-ports.js'

/** What the instances of a service make of it: all of the mesh that changes with their health. */
export interface ServedService {
  readonly service: string
  readonly ports: readonly ServicePort[]
  /** In the order of the ports: the endpoints of the clusters of each. */
  readonly endpoints: readonly (readonly MeshEndpoints[])[]
  readonly problems: Problems
}

/** Finds out which ports a service has, and the endpoints of their clusters. */
export function servedService(
  service: string,
  instances: readonly Instance[],
  document: Located<ServiceDocument> | undefined,
): ServedService {
  const problems: Problems = []
  const ports = portsOfService(service, instances, document, problems)
  const endpoints = ports.map((port) => endpointsOfPort(port, document, problems))
  return { service, ports: ports.map(withoutInstances), endpoints, problems }
}

function withoutInstances({ instances: _, ...port }: ServedPort): ServicePort {
  return port
}
