import type { Located } from '../../common/config/located.js'
import type { Problem } from '../../common/problem.js'
import type { HostRecord } from '../ca/host-record.js'
import type { AgentRecords } from '../catalog/agents.js'
import type { Catalog, Instance } from '../catalog/catalog.js'
import type { Config } from '../config/config.js'
import type { ServiceDocument } from '../config/schema/service.js'
import type { Mesh } from '../mesh/mesh.js'
import { portsOfService, type ServedPort } from '../mesh/service-ports.js'

/** What services are described from, all of one moment. */
export interface DescribedMesh {
  readonly config: Config
  readonly catalog: Catalog
  readonly mesh: Mesh
  /** Of reading the documents, of the catalog and of references. */
  readonly problems: readonly Problem[]
  readonly records: AgentRecords
  readonly enrolled: readonly HostRecord[]
  readonly refusals: readonly Refusal[]
}

/** A resource that the Envoy of a host refuses. */
export interface Refusal {
  readonly host: string
  readonly type: string
  readonly name: string
  /** Whether so many refuse it that no further host is given it. */
  readonly stopped: boolean
}

/** One service of it, as the mesh is built from it. */
export interface DescribedService extends DescribedMesh {
  readonly service: string
  readonly document: Located<ServiceDocument> | undefined
  readonly instances: readonly Instance[]
  readonly ports: readonly ServedPort[]
}

/** Looks one service up; for a name that nobody knows all is empty. */
export function lookUpService(service: string, described: DescribedMesh): DescribedService {
  const { config, catalog } = described
  const document = config.services.get(service)
  const instances = catalog.instances.get(service) ?? []
  // What is wrong with the ports is among the problems already.
  return { ...described, service, document, instances, ports: portsOfService(service, instances, document, []) }
}

/** Whether any of its ports carries requests: what limits requests means nothing for bytes. */
export function takesRequests({ ports }: Pick<DescribedService, 'ports'>): boolean {
  return ports.some(({ carriage }) => carriage === 'requests')
}

/** Whether all instances are outside the mesh, where no Envoy of theirs enforces anything. */
export function isOutside({ ports }: Pick<DescribedService, 'ports'>): boolean {
  return ports.length > 0 && ports.every(({ reach }) => reach === 'plain')
}
