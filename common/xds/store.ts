import { Latest } from '../latest.js'
import type { Resource, ResourceSet } from './resource.js'

/** What one response changes in one type. */
export interface ResourceChanges {
  readonly type: string
  readonly upserts: readonly Resource[]
  readonly removals: readonly string[]
}

/**
 * The resources that a client has received. Each change replaces the set; a type that did not change is the same map
 * as before, and a resource that came again in the same version the same object.
 */
export class ResourceStore {
  readonly resources: Latest<ResourceSet>

  /** @param initial what the client had before, from disk for instance */
  constructor(initial: ResourceSet = new Map()) {
    this.resources = new Latest(initial)
  }

  /** The version of each resource of a type, by name: what a new stream tells the server. */
  versions(type: string): Readonly<Record<string, string>> {
    const resources = this.resources.value.get(type) ?? []
    return Object.fromEntries([...resources].map(([name, { version }]) => [name, version]))
  }

  /** Applies the changes of one response at once; watchers are woken only if anything is different. */
  apply({ type, upserts, removals }: ResourceChanges): void {
    const before = this.resources.value.get(type) ?? new Map<string, Resource>()
    const news = upserts.filter(({ name, version }) => before.get(name)?.version !== version)
    const gone = removals.filter((name) => before.has(name))
    if (news.length === 0 && gone.length === 0) return
    const after = new Map(before)
    for (const name of gone) after.delete(name)
    for (const resource of news) after.set(resource.name, resource)
    this.resources.set(new Map(this.resources.value).set(type, after))
  }
}
