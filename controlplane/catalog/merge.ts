import type { Located } from '../../common/config/located.js'
import { Memo, MemoTable } from '../../common/memo/memo.js'
import { atOnce, type Steps } from '../../common/memo/steps.js'
import { compareProblems, type Problem, problemsIn } from '../../common/problem.js'
import type { CatalogDocument } from '../config/schema/catalog.js'
import type { AgentRecords } from './agents.js'
import type { Catalog, Instance } from './catalog.js'
import { sharedAddresses } from './conflicts.js'
import { mergeService, type ServicePart } from './file-source.js'
import { type HostPart, hostPart, lostInstances, type Permitted, permit } from './host-part.js'
import { ALL_LIVE, type Graces, type Judgement, judgePresence } from './presence.js'

/** What the merge is made from. */
export interface MergeInput {
  readonly agents: AgentRecords
  /** By service. */
  readonly files: ReadonlyMap<string, Located<CatalogDocument>>
  /**
   * Whether a host may run a service, by its enrolment or a host-policy. Its answers are the same as long as it is the
   * same function.
   */
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

/** What one merge leaves for the next. */
export class CatalogMemo {
  readonly order = new Memo<readonly string[]>()
  readonly permitted = new MemoTable<Permitted>()
  readonly hosts = new MemoTable<HostPart>()
  readonly lost = new MemoTable<readonly Instance[]>()
  readonly groups = new Memo<ReadonlyMap<string, readonly Instance[]>>()
  readonly serviceNames = new Memo<readonly string[]>()
  readonly services = new MemoTable<ServicePart>()
  readonly hostsByName = new Memo<Catalog['hosts']>()
  readonly instances = new Memo<Catalog['instances']>()
  readonly catalog = new Memo<Catalog>()
  readonly sharedAddresses = new Memo<readonly Problem[]>()
  readonly problems = new Memo<readonly Problem[]>()
}

/**
 * Merges what all sources say into one catalog.
 *
 * The same instance from two sources is one with two provenances; what the host's own agent says holds. A service that
 * a host may not run is left out and reported, and so is what is in its own way on a host. The result is sorted: equal inputs give equal output.
 */
export function mergeCatalog(input: MergeInput): MergeResult {
  return atOnce(catalogSteps(input, new CatalogMemo()))
}

/** {@link mergeCatalog} in steps. What is equal to the result of the last merge with this memo is the same object. */
export function* catalogSteps(input: MergeInput, memo: CatalogMemo): Steps<MergeResult> {
  const hosts = yield* hostParts(input, memo)
  const judgement = judge(hosts, input)
  const present = yield* presentInstances(hosts, judgement, memo)
  const services = yield* serviceParts(present, input.files, memo)
  return {
    catalog: catalogOf(hosts, services, memo),
    problems: problemsOf(hosts, services, memo),
    nextChange: judgement.nextChange,
  }
}

/** Sorted by the names of the hosts. */
function* hostParts({ agents, mayRun }: MergeInput, memo: CatalogMemo): Steps<readonly HostPart[]> {
  const names = memo.order.get([...agents.keys()], () => [...agents.keys()].sort())
  const records = names.flatMap((name) => agents.get(name) ?? [])
  const permitted = yield* memo.permitted.each(records, {
    key: ({ host }) => host,
    inputs: ({ facts, services }) => [facts, services, mayRun],
    context: [mayRun],
    make: (record) => permit(record, mayRun),
  })
  return yield* memo.hosts.each(permitted, {
    key: ({ reports }) => reports.host,
    inputs: (one) => [one],
    context: [],
    make: hostPart,
  })
}

/** Only services that a host may run count as alive: else a stranger's word would empty a service of its lost hosts. */
function judge(hosts: readonly HostPart[], { agents, now, graces }: MergeInput): Judgement {
  if ([...agents.values()].every(({ session }) => session.state === 'live')) return ALL_LIVE
  const known = hosts.flatMap(({ reports: { host, services } }) => {
    const record = agents.get(host)
    return record === undefined ? [] : [{ host, services, session: record.session }]
  })
  return judgePresence(known, now, graces)
}

/** By host, in their order: the instances that are there, or may be. */
function* presentInstances(
  hosts: readonly HostPart[],
  { isLost, presenceOf }: Judgement,
  memo: CatalogMemo,
): Steps<readonly (readonly Instance[])[]> {
  const lost = hosts.filter(({ host }) => isLost(host.name))
  const judged = yield* memo.lost.each(lost, {
    key: ({ host }) => host.name,
    inputs: ({ host, instances }) => [instances, ...instances.map(({ service }) => presenceOf(host.name, service))],
    make: (part) => lostInstances(part, (service) => presenceOf(part.host.name, service)),
  })
  const instancesOf = new Map(lost.map((part, index) => [part, judged[index]]))
  return hosts.map((part) => instancesOf.get(part) ?? part.instances)
}

/** Sorted by the names of the services. */
function* serviceParts(
  present: readonly (readonly Instance[])[],
  files: MergeInput['files'],
  memo: CatalogMemo,
): Steps<readonly ServicePart[]> {
  const groups = memo.groups.get(present, () => groupByService(present))
  const names = memo.serviceNames.get([groups, files], () => [...new Set([...groups.keys(), ...files.keys()])].sort())
  return yield* memo.services.each(names, {
    key: (service) => service,
    inputs: (service) => [files.get(service), ...(groups.get(service) ?? [])],
    context: [groups, files],
    make: (service) => mergeService(groups.get(service) ?? [], files.get(service)),
  })
}

function groupByService(lists: readonly (readonly Instance[])[]): ReadonlyMap<string, readonly Instance[]> {
  const groups = new Map<string, Instance[]>()
  for (const instances of lists) {
    for (const instance of instances) {
      const group = groups.get(instance.service)
      if (group === undefined) groups.set(instance.service, [instance])
      else group.push(instance)
    }
  }
  return groups
}

function catalogOf(hosts: readonly HostPart[], services: readonly ServicePart[], memo: CatalogMemo): Catalog {
  const catalogHosts = hosts.map(({ host }) => host)
  const lists = services.flatMap(({ instances }) => (instances.length === 0 ? [] : [instances]))
  const byHost = memo.hostsByName.get(catalogHosts, () => new Map(catalogHosts.map((host) => [host.name, host])))
  const byService = memo.instances.get(lists, () => new Map(lists.map((list) => [list[0]?.service ?? '', list])))
  return memo.catalog.get([byHost, byService], () => ({ hosts: byHost, instances: byService }))
}

function problemsOf(
  hosts: readonly HostPart[],
  services: readonly ServicePart[],
  memo: CatalogMemo,
): readonly Problem[] {
  const shared = memo.sharedAddresses.get(
    hosts.map(({ reports }) => reports.facts),
    () => sharedAddresses(hosts.map(({ reports }) => reports)),
  )
  const found = [...problemsIn(hosts), ...problemsIn(services), ...shared]
  return memo.problems.get(found, () => found.sort(compareProblems))
}
