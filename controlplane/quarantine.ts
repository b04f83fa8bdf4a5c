import { isDeepStrictEqual } from 'node:util'
import { Latest } from '../common/latest.js'
import type { Publication, Resource, ResourceSet } from '../common/xds/resource.js'
import type { AgentRecords } from './catalog/agents.js'
import { SHARED_LAYER } from './envoy/build.js'

/** This many hosts that refuse one version stop it; in a smaller mesh, all of its live hosts. */
const HOSTS_TO_STOP = 3

/** A version of a resource that so many hosts' Envoys refuse that it is given to no further host. */
export interface Quarantined {
  readonly type: string
  readonly name: string
  readonly version: string
  readonly hosts: readonly string[]
  /** Envoy's own text. */
  readonly error: string
}

/**
 * Keeps a change that many hosts refuse from spreading: hosts that come later, or restart, are given the last version
 * that was not refused. A new version of the resource ends it.
 */
export class Quarantine {
  /** What is stopped now, by `type/name`. */
  readonly changes = new Latest<ReadonlyMap<string, Quarantined>>(new Map())
  /** The newest version of each resource, and the one before it that was not stopped. */
  #versions = new Map<string, Versions>()

  /** Takes note of what hosts refuse now. */
  observe(records: AgentRecords): void {
    const live = [...records.values()].filter(({ session }) => session.state === 'live')
    const enough = Math.min(HOSTS_TO_STOP, Math.max(1, live.length))
    const refused = new Map<string, Quarantined>()
    for (const { host, envoy } of live) {
      for (const { typeUrl: type, name, version, error } of envoy?.refused ?? []) {
        const key = `${type}/${name}`
        // What a host says of an older version, or of a resource of its own, tells nothing about others.
        if (this.#versions.get(key)?.newest.version !== version) continue
        const hosts = [...new Set([...(refused.get(key)?.hosts ?? []), host])]
        refused.set(key, { type, name, version, hosts, error })
      }
    }
    const before = this.changes.value
    // What is stopped stays so until the resource changes: given the version before, hosts no longer refuse anything.
    const stopped = [...refused].filter(([, { hosts }]) => hosts.length >= enough)
    const next = new Map([...before, ...stopped])
    if (!isDeepStrictEqual(next, before)) this.changes.set(next)
  }

  /** The publication with stopped versions replaced by what came before them, where that is known. */
  apply(publication: Publication): Publication {
    const stopped = this.changes.value
    const shared = publication.layers.get(SHARED_LAYER)
    if (shared === undefined) return publication
    this.#remember(shared, stopped)
    const ended = [...stopped].filter(([, { type, name, version }]) => shared.get(type)?.get(name)?.version !== version)
    if (ended.length > 0) {
      const next = new Map(stopped)
      for (const [key] of ended) next.delete(key)
      this.changes.set(next)
    }
    if (this.changes.value.size === 0) return publication
    return { ...publication, layers: new Map(publication.layers).set(SHARED_LAYER, this.#replace(shared)) }
  }

  #replace(shared: ResourceSet): ResourceSet {
    const next = new Map(shared)
    for (const [key, { type, name }] of this.changes.value) {
      const resources = new Map(next.get(type))
      const good = this.#versions.get(key)?.before
      // Where no older version is known nothing is taken away: hosts that took the new one are served by it.
      if (good !== undefined) resources.set(name, good)
      next.set(type, resources)
    }
    return next
  }

  /** Takes note of new versions; one that was stopped never becomes what others fall back to. */
  #remember(shared: ResourceSet, stopped: ReadonlyMap<string, Quarantined>): void {
    const next = new Map<string, Versions>()
    for (const [type, resources] of shared) {
      for (const [name, newest] of resources) {
        const key = `${type}/${name}`
        const known = this.#versions.get(key)
        if (known?.newest.version === newest.version) next.set(key, known)
        else next.set(key, { newest, before: stopped.has(key) ? known?.before : known?.newest })
      }
    }
    this.#versions = next
  }
}

interface Versions {
  readonly newest: Resource
  readonly before: Resource | undefined
}
