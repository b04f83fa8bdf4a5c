/**
 * The value `now` with every part of it that equals that of `before` replaced by the latter: the same object where all is
 * equal, so that whoever compares by identity sees what really changed.
 *
 * Looks into plain objects, arrays, maps and sets, which must be trees; everything else is compared by identity. Order
 * counts: what is equal but for the order of its keys or entries is not.
 */
export function share<T>(before: unknown, now: T): T {
  if (Object.is(before, now)) return now
  const kind = kindOf(now)
  if (kind === undefined || kind !== kindOf(before)) return now
  return SHARE[kind](before as never, now as never) as T
}

type Kind = 'array' | 'map' | 'set' | 'object'

function kindOf(value: unknown): Kind | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'map'
  if (value instanceof Set) return 'set'
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? 'object' : undefined
}

const SHARE = { array: shareArray, map: shareMap, set: shareSet, object: shareObject }

function shareArray(before: readonly unknown[], now: readonly unknown[]): readonly unknown[] {
  const shared = now.map((one, index) => share(before[index], one))
  return sameOrNow(before, now, shared, before.length === now.length)
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

type PlainObject = Readonly<Record<string, unknown>>

function shareObject(before: PlainObject, now: PlainObject): PlainObject {
  const keys = Object.keys(now)
  const shared = keys.map((key) => share(before[key], now[key]))
  const same = sameItems(Object.keys(before), keys)
  if (same && keys.every((key, index) => Object.is(shared[index], before[key]))) return before
  if (keys.every((key, index) => Object.is(shared[index], now[key]))) return now
  return Object.fromEntries(keys.map((key, index) => [key, shared[index]]))
}

/** The old array where the shared items are its own, the new one where none of them was shared. */
function sameOrNow(
  before: readonly unknown[],
  now: readonly unknown[],
  shared: readonly unknown[],
  sameLength: boolean,
): readonly unknown[] {
  if (sameLength && sameItems(before, shared)) return before
  return sameItems(now, shared) ? now : shared
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => Object.is(one, b[index]))
}
