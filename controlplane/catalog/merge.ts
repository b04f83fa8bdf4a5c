import type { Located } from '../../common/config/located.js'
import { compareProblems, type Problem } from '../../common/problem.js'
import type { CatalogDocument } from '../config/schema/catalog.js'
import { agentHost, agentInstances } from './agent-source.js'
import type { AgentRecord, AgentRecords } from './agents.js'
import type { Catalog, CatalogHost, Instance } from './catalog.js'
import { sharedAddresses, untangle } from './conflicts.js'
import { fileInstances } from './file-source.js'
import { placeOf } from './place.js'
import { type Graces, judgePresence } from './presence.js'

/** What the merge is made from. */
export interface MergeInput {
  readonly agents: AgentRecords
  /** By service. */
  readonly files: ReadonlyMap<string, Located<CatalogDocument>>
  /** Whether a host may run a service, by its enrolment or a host-policy. */
  readonly mayRun: (host: string, service: string) => boolean
  readonly graces?: Graces
  /** Wall-clock milliseconds. */
  readonly now: number
}

/** The catalog with what was wrong on the way, and when time alone may change it (undefined: never). */
export interface MergeResult {
  readonly catalog: Catalog
  readonly problems: readonly Problem[]
  readonly nextChange: number | undefined
}

/**
 * Merges what all sources say into one catalog.
 *
 * The same instance from two sources is one with two provenances; what the host's own agent says holds. A service that
 * a host may not run is left out and reported, and so is what is in its own way on a host. The result is sorted: equal inputs give equal output.
 */
export function mergeCatalog(input: MergeInput): MergeResult {
  const records = [...input.agents.values()].sort((a, b) => (a.host < b.host ? -1 : 1))
  const problems: Problem[] = []
  // Only services that a host may run count as alive: else a stranger's word would empty a service of its lost hosts.
  const permitted = records.map((record) => {
    const untangled = untangle(refuseForeign(record, input.mayRun, problems))
    problems.push(...untangled.problems)
    return untangled.record
  })
  problems.push(...sharedAddresses(permitted))
  const presence = judgePresence(permitted, input.now, input.graces)
  const instances: Instance[] = []
  const hosts = new Map<string, CatalogHost>()
  for (const record of permitted) {
    hosts.set(record.host, agentHost(record))
    instances.push(...agentInstances(record, (service) => presence.presenceOf(record.host, service)))
  }
  for (const document of input.files.values()) {
    const merged = fileInstances(document, instances)
    instances.push(...merged.added)
    for (const [index, instance] of merged.confirmed) instances[index] = instance
    problems.push(...merged.problems)
  }
  return {
    catalog: { hosts, instances: groupByService(instances) },
    problems: problems.sort(compareProblems),
    nextChange: presence.nextChange,
  }
}

/** The record without the services that its host may not run. */
function refuseForeign(record: AgentRecord, mayRun: MergeInput['mayRun'], problems: Problem[]): AgentRecord {
  const services = record.services.filter(({ service, source }) => {
    if (mayRun(record.host, service)) return true
    problems.push({
      ...placeOf(record.host, source),
      code: 'MSH0401',
      severity: 'error',
      path: '',
      message: `host ${record.host} may not run the service ${service}`,
      hint: `allow it by a token that names it, or by a document { kind: host-policy, hosts: [${record.host}], services: [${service}] }`,
    })
    return false
  })
  return { ...record, services }
}

function groupByService(instances: readonly Instance[]): ReadonlyMap<string, readonly Instance[]> {
  const sorted = [...instances].sort((a, b) => (a.id < b.id ? -1 : 1))
  const groups = new Map<string, Instance[]>()
  for (const name of [...new Set(sorted.map(({ service }) => service))].sort()) groups.set(name, [])
  for (const instance of sorted) groups.get(instance.service)?.push(instance)
  return groups
}
