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
  #history: History = new Map()

  /** Takes note of what hosts refuse now. */
  observe(records: AgentRecords): void {
    const live = [...records.values()].filter(({ session }) => session.state === 'live')
    const refusing = live.filter(({ envoy }) => envoy !== undefined && envoy.refused.length > 0)
    if (refusing.length === 0) return
    const enough = Math.min(HOSTS_TO_STOP, Math.max(1, live.length))
    const refused = new Map<string, Quarantined>()
    for (const { host, envoy } of refusing) {
      for (const { typeUrl: type, name, version, error } of envoy?.refused ?? []) {
        // What a host says of an older version, or of a resource of its own, tells nothing about others.
        if (this.#history.get(type)?.versions.get(name)?.newest.version !== version) continue
        const key = `${type}/${name}`
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
    this.#history = continued(this.#history, shared, stopped)
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
    for (const { type, name } of this.changes.value.values()) {
      const resources = new Map(next.get(type))
      const good = this.#history.get(type)?.versions.get(name)?.before
      // Where no older version is known nothing is taken away: hosts that took the new one are served by it.
      if (good !== undefined) resources.set(name, good)
      next.set(type, resources)
    }
    return next
  }
}

/** A resource as it is, and as it was before, unless that was stopped. */
interface Versions {
  readonly newest: Resource
  readonly before: Resource | undefined
}

/** By type; what holds for these resources, by name. */
type History = ReadonlyMap<
  string,
  { readonly resources: ReadonlyMap<string, Resource>; readonly versions: ReadonlyMap<string, Versions> }
>

/** Takes note of new versions; one that was stopped never becomes what others fall back to. */
function continued(history: History, shared: ResourceSet, stopped: ReadonlyMap<string, Quarantined>): History {
  return new Map(
    [...shared].map(([type, resources]) => {
      const before = history.get(type)
      if (before?.resources === resources) return [type, before]
      const versions = [...resources].map(([name, newest]): [string, Versions] => {
        const known = before?.versions.get(name)
        if (known?.newest.version === newest.version) return [name, known]
        return [name, { newest, before: stopped.has(`${type}/${name}`) ? known?.before : known?.newest }]
      })
      return [type, { resources, versions: new Map(versions) }]
    }),
  )
}
