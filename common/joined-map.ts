/**
 * Several maps as one, without a copy. A key has its value in the first of them that has it; none should have a key of
 * another. Two of these compare by their parts, so what is in the same part of both need not be looked at.
 */
export class JoinedMap<K, V> implements ReadonlyMap<K, V> {
  readonly parts: readonly ReadonlyMap<K, V>[]

  constructor(parts: readonly ReadonlyMap<K, V>[]) {
    this.parts = parts
  }

  get size(): number {
    return this.parts.reduce((sum, { size }) => sum + size, 0)
  }

  get(key: K): V | undefined {
    for (const part of this.parts) {
      const value = part.get(key)
      if (value !== undefined) return value
    }
    return undefined
  }

  has(key: K): boolean {
    return this.parts.some((part) => part.has(key))
  }

  *entries(): MapIterator<[K, V]> {
    for (const part of this.parts) yield* part
  }

  *keys(): MapIterator<K> {
    for (const part of this.parts) yield* part.keys()
  }

  *values(): MapIterator<V> {
    for (const part of this.parts) yield* part.values()
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this)
  }
}

/** The maps of two in which they may differ, in pairs: whatever two joined maps share is left out. */
export function differingParts<K, V>(
  a: ReadonlyMap<K, V>,
  b: ReadonlyMap<K, V>,
): readonly (readonly [ReadonlyMap<K, V>, ReadonlyMap<K, V>])[] {
  if (a === b) return []
  if (!(a instanceof JoinedMap && b instanceof JoinedMap) || a.parts.length !== b.parts.length) return [[a, b]]
  const pairs: readonly (readonly [ReadonlyMap<K, V>, ReadonlyMap<K, V>])[] = a.parts.map((part, index) => [
    part,
    b.parts[index] ?? new Map(),
  ])
  return pairs.filter(([before, now]) => before !== now)
}
