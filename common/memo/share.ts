/**
 * The value `now` with every part of it that equals that of `before` replaced by the latter: the same object where all is
 * equal, so that whoever compares by identity sees what really changed.
 *
 * Looks into plain objects, arrays, maps, sets and bytes, which must be trees; everything else is compared by identity.
 * Order counts: what is equal but for the order of its keys or entries is not.
 */
export function share<T>(before: unknown, now: T): T {
  if (Object.is(before, now)) return now
  const kind = kindOf(now)
  if (kind === undefined || kind !== kindOf(before)) return now
  return SHARE[kind](before as never, now as never) as T
}

type Kind = 'array' | 'map' | 'set' | 'bytes' | 'object'

function kindOf(value: unknown): Kind | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'map'
  if (value instanceof Set) return 'set'
  if (value instanceof Uint8Array) return 'bytes'
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? 'object' : undefined
}

const SHARE = { array: shareArray, map: shareMap, set: shareSet, bytes: shareBytes, object: shareObject }

function shareArray(before: readonly unknown[], now: readonly unknown[]): readonly unknown[] {
  const shared = now.map((one, index) => share(before[index], one))
  if (sameItems(before, shared)) return before
  return sameItems(now, shared) ? now : shared
}

function shareMap(before: ReadonlyMap<unknown, unknown>, now: ReadonlyMap<unknown, unknown>) {
  const keys = [...now.keys()]
  const values = [...now.values()]
  const shared = keys.map((key, index) => share(before.get(key), values[index]))
  if (sameItems([...before.keys()], keys) && sameItems([...before.values()], shared)) return before
  return sameItems(values, shared) ? now : new Map(keys.map((key, index) => [key, shared[index]]))
}

function shareSet(before: ReadonlySet<unknown>, now: ReadonlySet<unknown>) {
  return sameItems([...before], [...now]) ? before : now
}

function shareBytes(before: Uint8Array, now: Uint8Array): Uint8Array {
  return Buffer.compare(before, now) === 0 ? before : now
}

type PlainObject = Readonly<Record<string, unknown>>

function shareObject(before: PlainObject, now: PlainObject): PlainObject {
  const keys = Object.keys(now)
  const shared = keys.map((key) => share(before[key], now[key]))
  const same = sameItems(Object.keys(before), keys)
  if (same && keys.every((key, index) => Object.is(shared[index], before[key]))) return before
  if (keys.every((key, index) => Object.is(shared[index], now[key]))) return now
  return Object.fromEntries(keys.map((key, index) => [key, shared[index]]))
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => Object.is(one, b[index]))
}
