import { defaultProtocol } from '../../common/config/default-protocol.js'
import type { Located } from '../../common/config/located.js'
import type { Location, Problem } from '../../common/problem.js'
import type { CatalogDocument } from '../config/schema/catalog.js'
import { instanceId, localityLabels } from './agent-source.js'
import type { Instance } from './catalog.js'

type FileInstance = CatalogDocument['instances'][number]

/** One service of the catalog. */
export interface ServicePart {
  /** Sorted by id. */
  readonly instances: readonly Instance[]
  readonly problems: readonly Problem[]
}

/**
 * Merges the instances of one service that agents report with its static catalog document, where it has one.
 *
 * An instance that an agent reports too keeps all that the agent says; where the file differs it is a problem of the
 * file. The others are reached directly and in plain text.
 */
export function mergeService(
  reported: readonly Instance[],
  document: Located<CatalogDocument> | undefined,
): ServicePart {
  const merged = [...reported]
  const problems: Problem[] = []
  for (const [index, entry] of document?.value.instances.entries() ?? []) {
    if (document === undefined) break
    const location = document.locate(['instances', index])
    const instance = instanceOf(document, entry, location)
    const same = reported.findIndex(({ id }) => id === instance.id)
    const existing = merged[same]
    if (existing === undefined) {
      merged.push(instance)
      continue
    }
    merged[same] = { ...existing, provenance: [...existing.provenance, ...instance.provenance] }
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
  return { instances: merged.sort((a, b) => (a.id < b.id ? -1 : 1)), problems }
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
