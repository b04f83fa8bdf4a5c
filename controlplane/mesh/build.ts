import { Memo, MemoTable } from '../../common/memo/memo.js'
import { share } from '../../common/memo/share.js'
import { atOnce, type Steps } from '../../common/memo/steps.js'
import { compareProblems, formatProblem, type Problem, problemsIn } from '../../common/problem.js'
import type { Catalog } from '../catalog/catalog.js'
import type { Config } from '../config/config.js'
import { type BuiltService, builtServices, ServicesMemo } from './built-services.js'
import type { Lookup } from './destinations.js'
import { type BuiltHost, builtHosts } from './hosts.js'
import type { Mesh, MeshPort, NameView } from './mesh.js'
import { type NumberedPort, nameViews, numbersOfNames, viewerOf } from './names.js'
import { problemOf } from './report.js'
import { type ServedService, servedService } from './served.js'
import { placeOf } from './service-ports.js'
import type { MeshSettings } from './settings.js'
import { unmatchedNames } from './unmatched.js'
import { unusedDocuments } from './unused.js'
import type { Offsets } from './virtual-address.js'

/** What a mesh is built from. */
export interface MeshInput {
  readonly catalog: Catalog
  readonly config: Config
  /** Of the services' virtual addresses; a service without one has no name on any host. */
  readonly offsets: Offsets
  readonly settings: MeshSettings
}

/** A mesh with what was wrong on the way. */
export interface MeshResult {
  readonly mesh: Mesh
  readonly problems: readonly Problem[]
}

/** What one build leaves for the next. */
export class MeshMemo {
  readonly known = new Memo<readonly string[]>()
  readonly served = new MemoTable<ServedService>()
  readonly lookup = new Memo<Lookup>()
  readonly builtServices = new Memo<readonly BuiltService[]>()
  readonly services = new ServicesMemo()
  readonly ports = new MemoTable<MeshPort>()
  readonly portsByName = new Memo<Mesh['ports']>()
  readonly numbered = new Memo<readonly NumberedPort[]>()
  readonly numbers = new Memo<ReadonlySet<number>>()
  readonly builtHosts = new Memo<readonly BuiltHost[]>()
  readonly hosts = new MemoTable<BuiltHost>()
  readonly hostsByName = new Memo<Mesh['hosts']>()
  readonly nameViews = new Memo<Mesh['nameViews']>()
  readonly views = new MemoTable<NameView>()
  readonly unused = new Memo<readonly Problem[]>()
  readonly unmatched = new Memo<readonly Problem[]>()
  readonly hostNames = new Memo<readonly string[]>()
  readonly nameOfDomain = new Memo<readonly Problem[]>()
  readonly mesh = new Memo<Mesh>()
  readonly problems = new Memo<readonly Problem[]>()
}

/**
 * Merges what runs (the catalog) with what was asked for (the configuration).
 *
 * A document that names an unknown service, port or subset is left out and reported, so one bad file never takes the
 * others down. The result is sorted by name: equal inputs give equal output.
 *
 * @param offsets of the services' virtual addresses; a service without one has no name on any host
 */
export function buildMesh(catalog: Catalog, config: Config, offsets: Offsets, settings: MeshSettings): MeshResult {
  return atOnce(meshSteps({ catalog, config, offsets, settings }, new MeshMemo()))
}

/** {@link buildMesh} in steps. What is equal to the result of the last build with this memo is the same object. */
export function* meshSteps({ catalog, config, offsets, settings }: MeshInput, memo: MeshMemo): Steps<MeshResult> {
  const served = yield* servedServices(catalog, config, memo)
  const lookup = lookUp(served, config, memo)
  const services = yield* memo.builtServices.steps([lookup, config, settings.trustDomain, settings.domain], () =>
    builtServices(lookup, config, settings, memo.services),
  )
  const ports = yield* meshPorts(served, services, memo)
  const numbered = memo.numbered.get([ports], (before) => share(before, [...ports.values()].map(numberedPort)))
  const hosts = yield* meshHosts(catalog, lookup, numbered, settings, memo)
  const nameViews = yield* memo.nameViews.steps([catalog.hosts, hosts, numbered, offsets], () =>
    viewsOfNames(catalog.hosts, hosts, numbered, offsets, memo),
  )
  const hostsByName = memo.hostsByName.get([hosts], () => new Map(hosts.map(({ host }) => [host.name, host])))
  const unused = memo.unused.get([config, lookup], () => unusedDocuments(config, lookup))
  const unmatched = unmatchedIn(catalog, config, memo)
  const parts = [served, services, hosts].flatMap(problemsIn)
  const found = [...parts, ...unused, ...unmatched, ...nameOfDomain(catalog, settings, memo)]
  return {
    mesh: memo.mesh.get([settings.trustDomain, settings.domain, ports, hostsByName, nameViews], () => ({
      ...settings,
      ports,
      hosts: hostsByName,
      nameViews,
    })),
    problems: memo.problems.get(found, () => sortedOnce(found)),
  }
}

function unmatchedIn({ instances, hosts }: Catalog, config: Config, memo: MeshMemo): readonly Problem[] {
  const services = serviceNames(instances, memo)
  const names = memo.hostNames.get([...hosts.keys()], () => [...hosts.keys()])
  return memo.unmatched.get([config, services, names], () => unmatchedNames(config, services, names))
}

function serviceNames(instances: Catalog['instances'], memo: MeshMemo): readonly string[] {
  return memo.known.get([...instances.keys()], () => [...instances.keys()].sort())
}

function* servedServices(
  { instances }: Catalog,
  { services }: Config,
  memo: MeshMemo,
): Steps<readonly ServedService[]> {
  return yield* memo.served.each(serviceNames(instances, memo), {
    key: (service) => service,
    inputs: (service) => [instances.get(service), services.get(service)],
    context: [instances, services],
    make: (service) => servedService(service, instances.get(service) ?? [], services.get(service)),
  })
}

function lookUp(served: readonly ServedService[], { services }: Config, memo: MeshMemo): Lookup {
  return memo.lookup.get([services, ...served.map(({ ports }) => ports)], () => ({
    ports: new Map(served.map(({ service, ports }) => [service, ports])),
    services,
  }))
}

/** Joins the ports with their endpoints; sorted by name. */
function* meshPorts(
  served: readonly ServedService[],
  services: readonly BuiltService[],
  memo: MeshMemo,
): Steps<Mesh['ports']> {
  const endpoints = served.flatMap((service) => service.endpoints)
  const ports = services.flatMap((service) => service.ports)
  const joined = yield* memo.ports.each(
    ports.map((port, index) => ({ port, endpoints: endpoints[index] ?? [] })),
    {
      key: ({ port }) => port.named.name,
      inputs: (one) => [one.port, one.endpoints],
      make: (one) => ({ ...one.port, endpoints: one.endpoints }),
    },
  )
  return memo.portsByName.get([joined], () => new Map(joined.map(withName).sort(byName)))
}

function withName(port: MeshPort): readonly [string, MeshPort] {
  return [port.named.name, port]
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function numberedPort({ named: { name, service, numbers } }: MeshPort): NumberedPort {
  return { name, service, numbers }
}

function* meshHosts(
  { hosts }: Catalog,
  lookup: Lookup,
  numbered: readonly NumberedPort[],
  settings: MeshSettings,
  memo: MeshMemo,
): Steps<readonly BuiltHost[]> {
  const numbers = memo.numbers.get([numbered], (before) => share(before, numbersOfNames(numbered)))
  return yield* memo.builtHosts.steps([hosts, lookup, numbers, settings.domain], () =>
    builtHosts(hosts, lookup, numbers, settings, memo.hosts),
  )
}

function viewsOfNames(
  catalogHosts: Catalog['hosts'],
  hosts: readonly BuiltHost[],
  numbered: readonly NumberedPort[],
  offsets: Offsets,
  memo: MeshMemo,
): Steps<Mesh['nameViews']> {
  const viewers = hosts.flatMap(({ host: { name, nameView } }) => {
    const host = catalogHosts.get(name)
    return (host && viewerOf(host, nameView)) ?? []
  })
  return nameViews(viewers, numbered, offsets, memo.views)
}

/** `mesh.mesh` works, but whoever reads or writes `mesh` alone means something else. */
function nameOfDomain({ instances }: Catalog, { domain }: MeshSettings, memo: MeshMemo): readonly Problem[] {
  const [instance] = instances.get(domain) ?? []
  const message = `the service ${domain} has the name of the domain; it is called as ${domain}.${domain}`
  return memo.nameOfDomain.get([instance], () =>
    instance === undefined ? [] : [problemOf(placeOf(instance), { code: 'MSH0412', severity: 'notice', message })],
  )
}

/** In the order of files, each once: a document is looked at for every port that it is about. */
function sortedOnce(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()].sort(compareProblems)
}
