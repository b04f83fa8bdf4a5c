import { differingParts } from '../joined-map.js'
import type { Publication, Resource, ResourceSet } from './resource.js'

/** What one client sees of a publication: its layers, most specific first. */
export type View = readonly ResourceSet[]

/** Names that differ between two states of something, by type URL. */
export type ChangedNames = ReadonlyMap<string, ReadonlySet<string>>

/** The part of {@link ChangedNames} that a stream needs. */
export type NamesByType = Pick<ChangedNames, 'get'>

/** The layers of these names; one that the publication does not have is empty. */
export function viewOf(publication: Publication, layers: readonly string[]): View {
  return layers.map((layer) => publication.layers.get(layer) ?? EMPTY_LAYER)
}

const EMPTY_LAYER: ResourceSet = new Map()

/** The resource that a client sees under a name: that of the first layer that has it. */
export function findResource(view: View, type: string, name: string): Resource | undefined {
  return findIn(ofType(view, type), name)
}

/** What a client sees of one type, most specific first. */
export type TypeView = readonly ReadonlyMap<string, Resource>[]

/** The layers of a view that have anything of a type: to be found out once for many names. */
export function ofType(view: View, type: string): TypeView {
  const layers: ReadonlyMap<string, Resource>[] = []
  for (const layer of view) {
    const resources = layer.get(type)
    if (resources !== undefined) layers.push(resources)
  }
  return layers
}

/** The resource of the first layer that has the name. */
export function findIn(layers: TypeView, name: string): Resource | undefined {
  for (const resources of layers) {
    const resource = resources.get(name)
    if (resource !== undefined) return resource
  }
  return undefined
}

/** All names of a type that a client sees, each once. */
export function visibleNames(view: View, type: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const layer of view) {
    for (const name of layer.get(type)?.keys() ?? []) names.add(name)
  }
  return names
}

/**
 * Every name of either view: what may differ when a client's layers are other layers than before. Names of a type are
 * looked up only when they are asked for: a new stream asks for none.
 */
export function allNames(before: View, after: View): NamesByType {
  const both = [...before, ...after]
  return { get: (type) => visibleNames(both, type) }
}

const NO_CHANGES: ChangedNames = new Map()

/** The layers that differ between two publications, with the names that differ in each: computed once for all streams. */
export function changedLayers(before: Publication, after: Publication): ReadonlyMap<string, ChangedNames> {
  const changed = new Map<string, ChangedNames>()
  const compare = (name: string) => {
    const [old, now] = [before.layers.get(name) ?? EMPTY_LAYER, after.layers.get(name) ?? EMPTY_LAYER]
    const names = old === now ? NO_CHANGES : changedNames(old, now)
    if (names.size > 0) changed.set(name, names)
  }
  for (const [old, now] of differingParts(before.layers, after.layers)) {
    for (const [name, layer] of now) {
      if (old.get(name) !== layer) compare(name)
    }
    for (const name of old.keys()) {
      if (!now.has(name)) compare(name)
    }
  }
  return changed
}

/** The names of several layers together. */
export function mergeNames(layers: readonly ChangedNames[]): ChangedNames {
  const [only] = layers
  if (only !== undefined && layers.length === 1) return only
  const merged = new Map<string, Set<string>>()
  for (const [type, names] of layers.flatMap((layer) => [...layer])) {
    merged.set(type, new Set([...(merged.get(type) ?? []), ...names]))
  }
  return merged
}

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
