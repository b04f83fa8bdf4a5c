import type { InstanceView, ServiceView } from '../../../common/admin-api.js'
import { formatSocketAddress } from '../../../common/socket-address.js'
import type { Instance, Provenance } from '../../catalog/catalog.js'
import type { ViewSource } from './source.js'

/** Every service with its instances, sorted by name. */
export function viewServices({ state }: ViewSource, domain: string): readonly ServiceView[] {
  return [...state.catalog.instances].map(([service, instances]) => ({
    service,
    ports: [...new Map(instances.flatMap(({ ports }) => ports).map((port) => [port.name, port])).values()],
    name: `${service}.${domain}`,
    instances: instances.map(viewInstance),
  }))
}

/** An instance as lists show it. */
export function viewInstance(instance: Instance): InstanceView {
  return {
    id: instance.id,
    host: instance.host,
    ports: instance.ports,
    endpoint: formatSocketAddress(instance.endpoint),
    reach: instance.reach,
    version: instance.labels['version'],
    labels: instance.labels,
    health: viewHealth(instance),
    detail: instance.healthDetail,
    presence: instance.presence,
    provenance: instance.provenance.map(formatProvenance),
  }
}

/** Health as people are told it: an instance that stands in files alone is asked by nobody whether it is well. */
export function viewHealth({ health, provenance }: Instance): InstanceView['health'] {
  return provenance.every(({ source }) => source === 'file') ? 'unchecked' : health
}

function formatProvenance(provenance: Provenance): string {
  if (provenance.source === 'agent') return `agent ${provenance.host} ${provenance.place}`
  return `file ${provenance.location.file}:${provenance.location.line}`
}
