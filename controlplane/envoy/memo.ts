import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf'
import type { Resource, ResourceSet } from '../../common/xds/resource.js'

interface Remembered {
  readonly input: unknown
  readonly resource: Resource
}

/** One resource that is wanted: what it is made from, and how. */
export interface Recipe {
  readonly type: string
  readonly name: string
  /** Keeps resources of like names but other content apart; absent: it is the same in every layer. */
  readonly scope?: string
  /** Everything that `build` reads: equal inputs give equal bytes. */
  readonly input: unknown
  /** Makes the message, encoded. */
  readonly build: () => Uint8Array
}

/**
 * Remembers what resources were made from, so that only those whose input changed are made again; equal sets are the
 * same objects as before. Inputs are compared by value, and identical ones without looking into them.
 */
export class ResourceMemo {
  #before = new Map<string, Remembered>()
  #now = new Map<string, Remembered>()
  #sets = new Map<string, ResourceSet>()
  #nextSets = new Map<string, ResourceSet>()
  #made = 0

  /** How many resources were made in the last {@link round}. */
  get made(): number {
    return this.#made
  }

  /** Runs one build; what it does not ask for is forgotten afterwards. */
  round<T>(build: () => T): T {
    this.#now = new Map()
    this.#nextSets = new Map()
    this.#made = 0
    const result = build()
    this.#before = this.#now
    this.#sets = this.#nextSets
    return result
  }

  /**
   * The resources of one layer.
   *
   * @param layer a name that stays the same from round to round
   */
  layer(layer: string, recipes: readonly Recipe[]): ResourceSet {
    const byType = new Map<string, Map<string, Resource>>()
    for (const recipe of recipes) {
      const resources = byType.get(recipe.type) ?? new Map<string, Resource>()
      byType.set(recipe.type, resources.set(recipe.name, this.#resource(recipe)))
    }
    const set = reuse(this.#sets.get(layer), byType)
    this.#nextSets.set(layer, set)
    return set
  }

  #resource({ type, name, scope = '', input, build }: Recipe): Resource {
    const key = `${scope}\n${type}\n${name}`
    const already = this.#now.get(key)
    if (already !== undefined) return already.resource
    const before = this.#before.get(key)
    const same = before !== undefined && (before.input === input || isDeepStrictEqual(before.input, input))
    const resource = same ? before.resource : this.#make(type, name, build(), before?.resource)
    this.#now.set(key, { input, resource })
    return resource
  }

  /** Other input can give equal bytes: then it is the same resource still. */
  #make(type: string, name: string, bytes: Uint8Array, before: Resource | undefined): Resource {
    this.#made++
    const version = createHash('sha256').update(bytes).digest('hex').slice(0, 20)
    return before?.version === version ? before : { type, name, version, bytes }
  }
}

/** Encodes a message as resources carry it. */
export function encode<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array {
  return toBinary(schema, message)
}

/** The set as it was before where nothing is different, and in it the maps that are not. */
function reuse(before: ResourceSet | undefined, next: Map<string, Map<string, Resource>>): ResourceSet {
  let same = before !== undefined && sameItems([...before.keys()], [...next.keys()])
  const set = new Map<string, ReadonlyMap<string, Resource>>()
  for (const [type, resources] of next) {
    const old = before?.get(type)
    const equal = old !== undefined && sameItems([...old.values()], [...resources.values()])
    set.set(type, equal ? old : resources)
    same &&= equal
  }
  return same && before !== undefined ? before : set
}

/** Order counts: it is that in which clients are told. */
function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index])
}
