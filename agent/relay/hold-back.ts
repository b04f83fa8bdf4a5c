import { Latest } from '../../common/latest.js'
import type { RefusedResource } from '../../common/xds/refusal.js'
import type { Resource, ResourceSet } from '../../common/xds/resource.js'

interface Held {
  readonly refused: RefusedResource
  /** What is served instead; undefined where Envoy never took any version. */
  readonly good: Resource | undefined
}

/**
 * Stands between what the control plane sent and what Envoy is served: a version that Envoy refuses is replaced by the
 * one before it, until another comes. So an Envoy that restarts, or an agent that does, has what the running one has.
 */
export class HoldBack {
  /** What Envoy is served, and what is kept on disk. */
  readonly served: Latest<ResourceSet>
  readonly #upstream: Latest<ResourceSet>
  #seen: ResourceSet
  /** By type and name: the version before the newest. */
  readonly #before = new Map<string, Resource>()
  #held: ReadonlyMap<string, Held> = new Map()

  constructor(upstream: Latest<ResourceSet>) {
    this.#upstream = upstream
    this.#seen = upstream.value
    this.served = new Latest(upstream.value)
    upstream.subscribe(() => this.#follow())
  }

  /** What is held back now, with Envoy's text. */
  get refused(): readonly RefusedResource[] {
    return [...this.#held.values()].map(({ refused }) => refused)
  }

  /** Takes note of what Envoy refuses. */
  observe(refused: readonly RefusedResource[]): void {
    const news = refused.filter((one) => this.#newest(one)?.version === one.version && !this.#held.has(keyOf(one)))
    if (news.length === 0) return
    this.#held = new Map([
      ...this.#held,
      ...news.map((one): [string, Held] => [keyOf(one), { refused: one, good: this.#before.get(keyOf(one)) }]),
    ])
    this.#serve()
  }

  /** Gives Envoy a held version once more, as when it was refused for something outside of it that is over. */
  retry(refused: RefusedResource): void {
    const key = keyOf(refused)
    if (this.#held.get(key)?.refused.version !== refused.version) return
    this.#held = new Map([...this.#held].filter(([name]) => name !== key))
    // Taken away and given again within one turn, which Envoy does not see: what stands refused is not sent twice.
    const resources = new Map(this.#upstream.value.get(refused.type))
    resources.delete(refused.name)
    this.served.set(new Map(this.served.value).set(refused.type, resources))
    this.#serve()
  }

  #follow(): void {
    for (const [type, resources] of this.#upstream.value) {
      const known = this.#seen.get(type)
      if (known === resources) continue
      for (const [name, { version }] of resources) this.#remember(known?.get(name), version)
      for (const name of known?.keys() ?? []) if (!resources.has(name)) this.#before.delete(keyOf({ type, name }))
    }
    this.#seen = this.#upstream.value
    this.#held = new Map(
      [...this.#held].filter(([, { refused }]) => this.#newest(refused)?.version === refused.version),
    )
    this.#serve()
  }

  /** A refused version never becomes what others fall back to. */
  #remember(known: Resource | undefined, version: string): void {
    if (known === undefined || known.version === version) return
    const held = this.#held.get(keyOf(known))
    const good = held?.refused.version === known.version ? held.good : known
    if (good === undefined) this.#before.delete(keyOf(known))
    else this.#before.set(keyOf(known), good)
  }

  #newest({ type, name }: Pick<Resource, 'type' | 'name'>): Resource | undefined {
    return this.#upstream.value.get(type)?.get(name)
  }

  #serve(): void {
    const set = new Map(this.#upstream.value)
    for (const { good } of this.#held.values()) {
      if (good !== undefined) set.set(good.type, new Map(set.get(good.type)).set(good.name, good))
    }
    this.served.set(set)
  }
}

function keyOf({ type, name }: Pick<Resource, 'type' | 'name'>): string {
  return `${type}/${name}`
}
