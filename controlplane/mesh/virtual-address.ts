import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LARGEST_OFFSET } from '../../common/virtual-address.js'

/** How long the offset of a service that has gone is given to no other, milliseconds. */
export const REUSE_AFTER_MS = 30 * 24 * 3_600_000

const entry = z.strictObject({
  offset: z.int().min(1).max(LARGEST_OFFSET),
  /** When the service was last in the catalog, wall-clock milliseconds; absent while it is. */
  goneSince: z.number().optional(),
})

/** The file of offsets, by service. */
export const offsetsState = z.strictObject({ services: z.record(z.string(), entry) })

/** The offset of each service that is known or was known lately. */
export type Offsets = z.infer<typeof offsetsState>

/** No service has an offset yet. */
export const NO_OFFSETS: Offsets = { services: {} }

/**
 * Gives every service the offset of its virtual address: the one that it has; else a hash of its name, moved on by one
 * where another service has that. Services are taken in the order of their names, so control planes that know the
 * same services agree.
 *
 * @param services names of all services in the catalog
 * @param now wall-clock milliseconds
 * @returns the same object when nothing changed
 */
export function allocateOffsets(previous: Offsets, services: readonly string[], now: number): Offsets {
  const present = new Set(services)
  const kept = Object.entries(previous.services).flatMap(([service, { offset, goneSince }]) => {
    if (present.has(service)) return [[service, { offset }] as const]
    const since = goneSince ?? now
    return now - since >= REUSE_AFTER_MS ? [] : [[service, { offset, goneSince: since }] as const]
  })
  const next = new Map<string, Offsets['services'][string]>(kept)
  const taken = new Set(kept.map(([, { offset }]) => offset))
  for (const service of [...present].sort()) {
    if (next.has(service)) continue
    const offset = freeOffset(service, taken)
    // With all addresses given away a service has no name; everything else of it works.
    if (offset === undefined) break
    taken.add(offset)
    next.set(service, { offset })
  }
  return sameOffsets(previous, next) ? previous : { services: Object.fromEntries([...next].sort(byName)) }
}

function freeOffset(service: string, taken: ReadonlySet<number>): number | undefined {
  if (taken.size >= LARGEST_OFFSET) return undefined
  const hash = createHash('sha256').update(service).digest().readUInt32BE(0)
  for (let step = 0; step < LARGEST_OFFSET; step++) {
    const offset = ((hash + step) % LARGEST_OFFSET) + 1
    if (!taken.has(offset)) return offset
  }
  return undefined
}

function sameOffsets(previous: Offsets, next: ReadonlyMap<string, Offsets['services'][string]>): boolean {
  const entries = Object.entries(previous.services)
  return (
    entries.length === next.size &&
    entries.every(([name, { offset, goneSince }]) => {
      const other = next.get(name)
      return other?.offset === offset && other.goneSince === goneSince
    })
  )
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
