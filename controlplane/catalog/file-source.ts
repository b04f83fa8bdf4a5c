import { defaultProtocol } from '../../common/config/default-protocol.js'
import type { Located } from '../../common/config/located.js'
import type { Location, Problem } from '../../common/problem.js'
import type { CatalogDocument } from '../config/schema/catalog.js'
import { instanceId, localityLabels } from './agent-source.js'
import type { Instance } from './catalog.js'

type FileInstance = CatalogDocument['instances'][number]

/** What a catalog document adds to the instances that are known already. */
export interface FileMerge {
  readonly added: readonly Instance[]
  /** By index into the known instances: the same with a second provenance. */
  readonly confirmed: ReadonlyMap<number, Instance>
  readonly problems: readonly Problem[]
}

/**
 * Merges a static catalog document with the instances that agents report.
 *
 * An instance that an agent reports too keeps all that the agent says; where the file differs it is a problem of the
 * file. The others are reached directly and in plain text.
 */
export function fileInstances(document: Located<CatalogDocument>, known: readonly Instance[]): FileMerge {
  const added: Instance[] = []
  const confirmed = new Map<number, Instance>()
  const problems: Problem[] = []
  for (const [index, entry] of document.value.instances.entries()) {
    const location = document.locate(['instances', index])
    const instance = instanceOf(document, entry, location)
    const same = known.findIndex(({ id }) => id === instance.id)
    const existing = known[same]
    if (existing === undefined) {
      added.push(instance)
      continue
    }
    confirmed.set(same, { ...existing, provenance: [...existing.provenance, ...instance.provenance] })
    const difference = differenceOf(existing, instance)
    if (difference === undefined) continue
    problems.push({
      ...location,
      code: 'MSH0402',
      severity: 'notice',
      path: `instances[${index}]`,
      message: `${difference} differs from what the agent of ${existing.host} reports; the agent's holds`,
    })
  }
  return { added, confirmed, problems }
}

function instanceOf(document: Located<CatalogDocument>, entry: FileInstance, location: Location): Instance {
  const { service, protocol } = document.value
  const locality = { ...entry.locality } as Instance['locality']
  return {
    id: instanceId(service, entry.host ?? entry.address, entry.port),
    service,
    ...(entry.host === undefined ? {} : { host: entry.host }),
    reach: 'plain',
    endpoint: { address: entry.address, port: entry.port },
    ports: [{ name: 'main', port: entry.port, protocol: protocol ?? defaultProtocol(entry.port) }],
    labels: { ...localityLabels(locality), ...entry.labels },
    locality,
    weight: entry.weight,
    health: 'passing',
    healthDetail: 'not checked: outside the mesh',
    presence: 'live',
    provenance: [{ source: 'file', location }],
  }
}

function differenceOf(agent: Instance, file: Instance): string | undefined {
  if (agent.weight !== file.weight) return `weight ${file.weight}`
  const labels = Object.entries(file.labels).find(([key, value]) => agent.labels[key] !== value)
  if (labels !== undefined) return `label ${labels[0]}: ${labels[1]}`
  return agent.ports[0]?.protocol === file.ports[0]?.protocol ? undefined : 'the protocol'
}
