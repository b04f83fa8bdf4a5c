import type { Push } from '../../common/xds/delivery.js'
import type { Resource } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { refersTo } from './mesh-model.js'
import type { StreamFixture } from './stream-fixture.js'

type Store = Map<string, Map<string, Resource>>

/** A client of a delta stream that applies responses one by one, when it is told to. */
export interface ModelClient {
  /** What the client uses, by type and name. */
  readonly store: ReadonlyMap<string, ReadonlyMap<string, Resource>>
  /** Puts a response into the client's mailbox. */
  deliver(push: Push): void
  /** Takes one response out of the mailbox; false when it is empty. */
  step(stream: StreamFixture): boolean
  /** Subscribes on a new stream, telling what it has. */
  connect(stream: StreamFixture): void
  /** Throws when the client uses what refers to something that it does not have. */
  checkReferences(): void
}

function emptyStore(): Store {
  return new Map([CLUSTER, ENDPOINT, LISTENER, ROUTE].map((type) => [type, new Map()]))
}

function checkReferences(store: ModelClient['store'], from: string, to: string): void {
  for (const resource of store.get(from)?.values() ?? []) {
    for (const name of refersTo(resource)) {
      if (!store.get(to)?.has(name)) throw new Error(`${from} ${resource.name} refers to ${name}, which is not there`)
    }
  }
}

/** A relay: subscribes to everything, stores everything, refuses nothing. */
export class ModelRelay implements ModelClient {
  readonly store = emptyStore()
  #mail: Push[] = []

  deliver(push: Push): void {
    this.#mail.push(push)
  }

  connect(stream: StreamFixture): void {
    this.#mail = []
    for (const type of [ENDPOINT, CLUSTER, ROUTE, LISTENER]) {
      stream.request(type, { subscribe: ['*'], versions: versionsOf(this.store.get(type)) })
    }
  }

  step(stream: StreamFixture): boolean {
    const push = this.#mail.shift()
    if (push === undefined) return false
    apply(this.store, push)
    stream.request(push.type, { nonce: push.nonce })
    return true
  }

  checkReferences(): void {
    checkReferences(this.store, LISTENER, ROUTE)
    checkReferences(this.store, ROUTE, CLUSTER)
    for (const name of this.store.get(CLUSTER)?.keys() ?? []) {
      if (!this.store.get(ENDPOINT)?.has(name)) throw new Error(`cluster ${name} has no endpoints`)
    }
  }
}

/**
 * An Envoy, as far as ADS sees it: subscribes to clusters and listeners as a whole, to endpoints and routes as these
 * come and go; a changed cluster warms until a response about its endpoints comes; while a cluster warms, no request
 * about clusters is sent, and an answer to none; a refused response takes effect where it is not faulty, but the client
 * tells on a new stream only of what it has acknowledged.
 */
export class ModelEnvoy implements ModelClient {
  readonly store = emptyStore()
  readonly warming = new Map<string, Resource>()
  readonly #told = new Map<string, Map<string, string>>()
  #mail: Push[] = []
  #held: (() => void)[] = []

  deliver(push: Push): void {
    this.#mail.push(push)
  }

  connect(stream: StreamFixture): void {
    this.#mail = []
    this.#held = []
    const ask = (type: string, subscribe: readonly string[] = []) =>
      stream.request(type, { subscribe, versions: Object.fromEntries(this.#told.get(type) ?? []) })
    const clusters = () => ask(CLUSTER)
    if (this.warming.size > 0) this.#held.push(clusters)
    else clusters()
    const endpoints = [...this.endpointNames()]
    if (endpoints.length > 0) ask(ENDPOINT, endpoints)
    ask(LISTENER)
    const routes = [...this.routeNames()]
    if (routes.length > 0) ask(ROUTE, routes)
  }

  step(stream: StreamFixture): boolean {
    const mail = this.#mail.shift()
    if (mail === undefined) return false
    const push = this.#wanted(mail)
    const before = { clusters: this.endpointNames(), routes: this.routeNames() }
    const faulty = push.resources.filter(({ version }) => version.startsWith('bad'))
    this.#use(push)
    const error = faulty.length === 0 ? undefined : `refused ${faulty.map(({ name }) => name).join()}`
    if (error === undefined) this.#remember(push)
    const answer = () => stream.request(push.type, { nonce: push.nonce, ...(error === undefined ? {} : { error }) })
    if (push.type === CLUSTER) this.#held.push(answer)
    else answer()
    this.#follow(stream, ENDPOINT, before.clusters, this.endpointNames())
    this.#follow(stream, ROUTE, before.routes, this.routeNames())
    if (this.warming.size === 0) for (const held of this.#held.splice(0)) held()
    return true
  }

  checkReferences(): void {
    checkReferences(this.store, ROUTE, CLUSTER)
  }

  /** Lets time pass until clusters that still warm give up waiting for endpoints. */
  waitForFetchTimeout(): void {
    for (const name of [...this.warming.keys()]) this.#warm(name)
    for (const held of this.#held.splice(0)) held()
  }

  /** What arrives of a name that was unsubscribed meanwhile is ignored. */
  #wanted(push: Push): Push {
    if (push.type === CLUSTER || push.type === LISTENER) return push
    const names = push.type === ENDPOINT ? this.endpointNames() : this.routeNames()
    return {
      ...push,
      resources: push.resources.filter(({ name }) => names.has(name)),
      removed: push.removed.filter((name) => names.has(name)),
    }
  }

  #use(push: Push): void {
    const { type } = push
    const good = push.resources.filter(({ version }) => !version.startsWith('bad'))
    if (type === CLUSTER) {
      for (const name of push.removed) this.warming.delete(name)
      for (const resource of good) {
        const known = this.warming.get(resource.name) ?? this.store.get(CLUSTER)?.get(resource.name)
        if (known?.version !== resource.version) this.warming.set(resource.name, resource)
      }
    }
    apply(this.store, { ...push, resources: type === CLUSTER ? [] : good })
    if (type === ENDPOINT)
      for (const name of [...push.resources.map(({ name }) => name), ...push.removed]) this.#warm(name)
  }

  #warm(name: string): void {
    const cluster = this.warming.get(name)
    if (cluster === undefined) return
    this.warming.delete(name)
    this.store.get(CLUSTER)?.set(name, cluster)
  }

  #remember({ type, resources, removed }: Push): void {
    const told = this.#told.get(type) ?? new Map<string, string>()
    this.#told.set(type, told)
    for (const { name, version } of resources) told.set(name, version)
    for (const name of removed) told.delete(name)
  }

  endpointNames(): ReadonlySet<string> {
    return new Set([...(this.store.get(CLUSTER)?.keys() ?? []), ...this.warming.keys()])
  }

  routeNames(): ReadonlySet<string> {
    return new Set([...(this.store.get(LISTENER)?.values() ?? [])].flatMap(refersTo))
  }

  #follow(stream: StreamFixture, type: string, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    const subscribe = [...after].filter((name) => !before.has(name))
    const unsubscribe = [...before].filter((name) => !after.has(name))
    for (const name of unsubscribe) {
      this.store.get(type)?.delete(name)
      this.#told.get(type)?.delete(name)
    }
    if (subscribe.length + unsubscribe.length > 0) stream.request(type, { subscribe, unsubscribe })
  }
}

function apply(store: Store, { type, resources, removed }: Push): void {
  for (const resource of resources) store.get(type)?.set(resource.name, resource)
  for (const name of removed) store.get(type)?.delete(name)
}

function versionsOf(resources: ReadonlyMap<string, Resource> | undefined): Record<string, string> {
  return Object.fromEntries([...(resources ?? [])].map(([name, { version }]) => [name, version]))
}
