import type { Publication, Resource, ResourceSet } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'

/** A resource as tests see it: its version is part of its bytes, and so is what it refers to. */
export function testResource(type: string, name: string, version: string, refers: readonly string[] = []): Resource {
  return { type, name, version, bytes: Buffer.from(JSON.stringify({ name, version, refers })) }
}

/** The names that a test resource refers to. */
export function refersTo(resource: Resource): readonly string[] {
  return JSON.parse(Buffer.from(resource.bytes).toString()).refers
}

/** Resources as a set, in the given order. */
export function resourceSet(...resources: readonly Resource[]): ResourceSet {
  const set = new Map<string, Map<string, Resource>>()
  for (const resource of resources) {
    const names = set.get(resource.type) ?? new Map<string, Resource>()
    set.set(resource.type, names.set(resource.name, resource))
  }
  return set
}

/** A publication with one layer, seen by these clients. */
export function publish(resources: readonly Resource[], clients: readonly string[] = ['client']): Publication {
  return {
    layers: new Map([['all', resourceSet(...resources)]]),
    clients: new Map(clients.map((client) => [client, ['all']])),
  }
}

/** A service as a mesh publishes it: a cluster, its endpoints, a route and a listener. */
export function service(name: string, version = '1'): readonly Resource[] {
  return [
    testResource(CLUSTER, name, version),
    testResource(ENDPOINT, name, version),
    testResource(ROUTE, name, version, [name]),
    testResource(LISTENER, name, version, [name]),
  ]
}

/** Random numbers from 0 to 1 that are the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What random publications are made of. */
export interface RandomMesh {
  readonly random: () => number
  /** How likely it is that a changed resource is one that clients refuse. */
  readonly faulty: number
}

/**
 * A publication that refers to nothing that it does not have. About half of what there is stays as in the one before;
 * the rest comes, goes or changes. Versions that start with `bad` are such as a client refuses.
 */
export function randomPublication({ random, faulty }: RandomMesh, before: Publication | undefined): Publication {
  const chance = (probability: number) => random() < probability
  const old = before?.layers.get('shared')
  const next = (type: string, name: string, refers: readonly string[] = []): Resource => {
    const known = old?.get(type)?.get(name)
    if (known !== undefined && chance(0.6) && String(refersTo(known)) === String(refers)) return known
    return testResource(type, name, `${chance(faulty) ? 'bad' : 'v'}${Math.floor(random() * 1e9)}`, refers)
  }
  const pick = (prefix: string, count: number, probability: number) =>
    Array.from({ length: count }, (_, index) => `${prefix}${index}`).filter(() => chance(probability))

  const clusters = pick('c', 6, 0.6)
  const routes = pick('r', 4, 0.6).map((name) => {
    return next(
      ROUTE,
      name,
      clusters.filter(() => chance(0.3)),
    )
  })
  const listeners = routes.length === 0 ? [] : pick('l', 4, 0.6)
  const shared = resourceSet(
    ...clusters.flatMap((name) => [next(CLUSTER, name), next(ENDPOINT, name)]),
    ...routes,
    ...listeners.map((name) => next(LISTENER, name, [routes[Math.floor(random() * routes.length)]?.name ?? ''])),
  )
  const own = resourceSet(...clusters.filter(() => chance(0.2)).map((name) => next(ENDPOINT, name)))
  return {
    layers: new Map([
      ['shared', shared],
      ['own', own],
    ]),
    clients: new Map([['client', ['own', 'shared']]]),
  }
}
