import { share } from '../../common/memo/share.js'
import type { Resource, ResourceSet } from '../../common/xds/resource.js'

/** Resources that are published together, under a name. */
export interface Layer {
  readonly name: string
  readonly set: ResourceSet
}

/** A layer of these resources. */
export function layerOf(name: string, resources: readonly Resource[]): Layer {
  return { name, set: resourceSet(resources) }
}

/** A layer with the parts that it was put together from. */
export interface JoinedLayer extends Layer {
  readonly parts: Parts
}

type Parts = readonly (readonly Resource[])[]

/**
 * Puts a layer together from its parts. What two parts have is there once.
 *
 * @param before the layer as it was: where resources have only taken the place of others, nothing but them is looked at
 */
export function joinParts(name: string, parts: Parts, before: JoinedLayer | undefined): JoinedLayer {
  const changed = before === undefined ? undefined : replacements(before.parts, parts)
  const set =
    before === undefined || changed === undefined
      ? share(before?.set, resourceSet(parts.flat()))
      : withReplacements(before.set, changed)
  return { name, set, parts }
}

/** The resources of `now` that took the place of others; undefined where more has changed than that. */
function replacements(before: Parts, now: Parts): readonly Resource[] | undefined {
  if (before.length !== now.length) return undefined
  const pairs = now.flatMap((part, index) => (part === before[index] ? [] : [[part, before[index] ?? []] as const]))
  if (!pairs.every(([part, old]) => part.length === old.length && part.every((one, at) => isNamesake(one, old[at])))) {
    return undefined
  }
  return pairs.flatMap(([part, old]) => part.filter((one, at) => one !== old[at]))
}

function isNamesake({ type, name }: Resource, other: Resource | undefined): boolean {
  return other?.type === type && other.name === name
}

function withReplacements(before: ResourceSet, changed: readonly Resource[]): ResourceSet {
  const set = new Map(before)
  for (const type of new Set(changed.map((one) => one.type))) {
    const resources = new Map(set.get(type))
    for (const one of changed) {
      if (one.type === type) resources.set(one.name, one)
    }
    set.set(type, resources)
  }
  return set
}

/** By type and name; what is named twice stands where it was named first. */
function resourceSet(resources: readonly Resource[]): ResourceSet {
  const byType = new Map<string, Map<string, Resource>>()
  for (const resource of resources) {
    const named = byType.get(resource.type)
    if (named === undefined) byType.set(resource.type, new Map([[resource.name, resource]]))
    else named.set(resource.name, resource)
  }
  return byType
}
