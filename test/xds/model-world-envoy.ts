import type { Resource } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import type { WorldPush } from '../../common/xds/whole-list.js'
import { refersTo } from './mesh-model.js'
import type { WorldFixture } from './world-fixture.js'

/**
 * An Envoy on a state-of-the-world stream, as far as ADS sees it. Every request repeats all names and carries the newest
 * nonce. What a list of clusters or listeners leaves out is removed; of a refused response what is not faulty is used;
 * a changed cluster warms until endpoints come for it, and until then no request about clusters is sent.
 */
export class ModelWorldEnvoy {
  readonly store = new Map([CLUSTER, ENDPOINT, LISTENER, ROUTE].map((type) => [type, new Map<string, Resource>()]))
  readonly warming = new Map<string, Resource>()
  readonly #accepted = new Map<string, string>()
  readonly #nonces = new Map<string, string>()
  #mail: WorldPush[] = []
  #clustersHeld: ((stream: WorldFixture) => void) | undefined

  deliver(push: WorldPush): void {
    this.#mail.push(push)
  }

  /** Subscribes on a new stream. */
  connect(stream: WorldFixture): void {
    this.#mail = []
    this.#nonces.clear()
    this.#clustersHeld = undefined
    for (const type of [CLUSTER, ENDPOINT, LISTENER, ROUTE]) this.#ask(stream, type)
  }

  /** Takes one response out of the mailbox; false when it is empty. */
  step(stream: WorldFixture): boolean {
    const push = this.#mail.shift()
    if (push === undefined) return false
    const before = this.#names()
    const faulty = push.resources.filter(
      ({ name, version }) => version.startsWith('bad') && this.#wants(push.type, name),
    )
    this.#use(push)
    this.#nonces.set(push.type, push.nonce)
    if (faulty.length === 0) this.#accepted.set(push.type, push.version)
    const words = faulty.map(({ name }) => `${name}: is faulty`).join(', ')
    this.#ask(stream, push.type, faulty.length === 0 ? undefined : words)
    const after = this.#names()
    for (const type of [ENDPOINT, ROUTE]) if (before.get(type) !== after.get(type)) this.#ask(stream, type)
    this.#release(stream)
    return true
  }

  /** Lets time pass until clusters that still warm give up waiting for endpoints. */
  waitForFetchTimeout(stream: WorldFixture): void {
    for (const name of [...this.warming.keys()]) this.#warm(name)
    this.#release(stream)
  }

  endpointNames(): ReadonlySet<string> {
    return new Set([...(this.store.get(CLUSTER)?.keys() ?? []), ...this.warming.keys()])
  }

  routeNames(): ReadonlySet<string> {
    return new Set([...(this.store.get(LISTENER)?.values() ?? [])].flatMap(refersTo))
  }

  /** Throws when a route leads to a cluster that is not there. */
  checkReferences(): void {
    for (const route of this.store.get(ROUTE)?.values() ?? []) {
      if (route.version === '') continue
      for (const name of refersTo(route)) {
        if (!this.store.get(CLUSTER)?.has(name)) throw new Error(`${route.name} leads to ${name}, which is not there`)
      }
    }
  }

  #ask(stream: WorldFixture, type: string, error?: string): void {
    const ask = (to: WorldFixture) => {
      const nonce = this.#nonces.get(type) ?? ''
      const names = [...(type === ENDPOINT ? this.endpointNames() : type === ROUTE ? this.routeNames() : [])]
      const version = this.#accepted.get(type) ?? ''
      to.request(type, { names, nonce, version, ...(error === undefined ? {} : { error }) })
    }
    if (type === CLUSTER && this.warming.size > 0) this.#clustersHeld = ask
    else ask(stream)
  }

  #release(stream: WorldFixture): void {
    if (this.warming.size > 0) return
    this.#clustersHeld?.(stream)
    this.#clustersHeld = undefined
  }

  /** Names of endpoints and routes, to be compared. */
  #names(): ReadonlyMap<string, string> {
    const joined = (names: ReadonlySet<string>) => [...names].toSorted().join()
    return new Map([
      [ENDPOINT, joined(this.endpointNames())],
      [ROUTE, joined(this.routeNames())],
    ])
  }

  #wants(type: string, name: string): boolean {
    if (type === ENDPOINT) return this.endpointNames().has(name)
    return type === ROUTE ? this.routeNames().has(name) : true
  }

  #use({ type, resources }: WorldPush): void {
    const known = this.store.get(type) ?? new Map<string, Resource>()
    const listed = new Set(resources.map(({ name }) => name))
    if (type === CLUSTER || type === LISTENER) {
      for (const name of [...known.keys(), ...this.warming.keys()]) {
        if (listed.has(name)) continue
        known.delete(name)
        if (type === CLUSTER) this.warming.delete(name)
      }
    }
    for (const resource of resources) {
      const { name, version } = resource
      if (version.startsWith('bad') || !this.#wants(type, name)) {
        if (type === ENDPOINT) this.#warm(name)
      } else if (type !== CLUSTER) known.set(name, resource)
      else if ((this.warming.get(name) ?? known.get(name))?.version !== version) this.warming.set(name, resource)
      if (type === ENDPOINT) this.#warm(name)
    }
    for (const kind of [ENDPOINT, ROUTE]) {
      const store = this.store.get(kind)
      for (const name of [...(store?.keys() ?? [])]) if (!this.#wants(kind, name)) store?.delete(name)
    }
  }

  #warm(name: string): void {
    const cluster = this.warming.get(name)
    if (cluster === undefined) return
    this.warming.delete(name)
    this.store.get(CLUSTER)?.set(name, cluster)
  }
}
