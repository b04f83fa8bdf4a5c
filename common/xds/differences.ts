import { differingParts } from '../joined-map.js'
import type { Publication, Resource, ResourceSet } from './resource.js'
import { type ChangedNames, EMPTY_LAYER } from './view.js'

/**
 * Finds out in which names layers differ, once for each two of them: thousands of streams go from one to the other, each
 * in its turn.
 */
export class Differences {
  readonly #known = new WeakMap<ResourceSet, { readonly now: ResourceSet; readonly names: ChangedNames }>()

  /** The names in which two states of a layer differ. */
  between(old: ResourceSet, now: ResourceSet): ChangedNames {
    if (old === now) return NO_CHANGES
    const known = this.#known.get(old)
    if (known?.now === now) return known.names
    const names = changedNames(old, now)
    this.#known.set(old, { now, names })
    return names
  }

  /** The names of the layers in which anything differs between two publications. */
  changedLayers(before: Publication, after: Publication): ReadonlySet<string> {
    const changed = new Set<string>()
    for (const [old, now] of differingParts(before.layers, after.layers)) {
      for (const [name, layer] of now) {
        if (this.between(old.get(name) ?? before.layers.get(name) ?? EMPTY_LAYER, layer).size > 0) changed.add(name)
      }
      for (const [name, layer] of old) {
        if (!now.has(name) && this.between(layer, after.layers.get(name) ?? EMPTY_LAYER).size > 0) changed.add(name)
      }
    }
    return changed
  }
}

const NO_CHANGES: ChangedNames = new Map()

function changedNames(before: ResourceSet, after: ResourceSet): ChangedNames {
  const changed = new Map<string, ReadonlySet<string>>()
  for (const type of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(type) ?? EMPTY_TYPE, after.get(type) ?? EMPTY_TYPE]
    if (old === now) continue
    const names = changedResources(old, now)
    if (names.size > 0) changed.set(type, names)
  }
  return changed
}

const EMPTY_TYPE: ReadonlyMap<string, Resource> = new Map()

function changedResources(
  before: ReadonlyMap<string, Resource>,
  after: ReadonlyMap<string, Resource>,
): ReadonlySet<string> {
  const names = new Set<string>()
  for (const [name, now] of after) {
    const old = before.get(name)
    if (old !== now && old?.version !== now.version) names.add(name)
  }
  for (const name of before.keys()) {
    if (!after.has(name)) names.add(name)
  }
  return names
}
