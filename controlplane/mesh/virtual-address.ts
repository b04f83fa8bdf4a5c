import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LARGEST_OFFSET } from '../../common/virtual-address.js'

/** How long the offset of a service that has gone is given to no other, milliseconds. */
export const REUSE_AFTER_MS = 30 * 24 * 3_600_000

/**
 * So long after a service got its offset nobody can rely on it yet, milliseconds: until then the order of names decides
 * who gets an offset that two want, so that control planes that hear of services in another order agree.
 */
export const FRESH_MS = 10_000

const entry = z.strictObject({
  offset: z.int().min(1).max(LARGEST_OFFSET),
  /** When it got the offset, wall-clock milliseconds; absent: long ago. */
  since: z.number().optional(),
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
 * where another service has that. Services that are new together, or within {@link FRESH_MS}, are taken in the order
 * of their names, in whatever order they came.
 *
 * @param services names of all services in the catalog
 * @param now wall-clock milliseconds
 * @returns the same object when nothing changed
 */
export function allocateOffsets(previous: Offsets, services: readonly string[], now: number): Offsets {
  const present = new Set(services)
  if (isSettled(previous, present)) return previous
  const next = new Map(
    Object.entries(previous.services).flatMap(([service, one]) => {
      const kept = keptEntry(one, present.has(service), now)
      return kept === undefined ? [] : [[service, kept] as const]
    }),
  )
  const added = [...present].filter((service) => !next.has(service))
  const others = collide(added, next) ? freshOf(next, now) : []
  if (added.length > 0) place([...added, ...others].sort(), next, now)
  return sameOffsets(previous, next) ? previous : { services: Object.fromEntries([...next].sort(byName)) }
}

type Entry = Offsets['services'][string]

/** Whether each of these services has an offset, and nobody else has: the usual case, told apart without making anything. */
function isSettled({ services }: Offsets, present: ReadonlySet<string>): boolean {
  let count = 0
  for (const service in services) {
    if (!present.has(service) || services[service]?.goneSince !== undefined) return false
    count++
  }
  return count === present.size
}

/** What is left of an entry now; undefined: its offset is free again. */
function keptEntry({ goneSince, ...rest }: Entry, present: boolean, now: number): Entry | undefined {
  if (present) return rest
  const gone = goneSince ?? now
  return now - gone >= REUSE_AFTER_MS ? undefined : { ...rest, goneSince: gone }
}

/** Whether any of these services wants an offset that another of them wants, or that another service has. */
function collide(services: readonly string[], entries: ReadonlyMap<string, Entry>): boolean {
  const taken = new Set([...entries.values()].map(({ offset }) => offset))
  return services.some((service) => taken.size === taken.add(wantedOffset(service)).size)
}

/** Services whose offset may still change because of others that came just now. */
function freshOf(entries: ReadonlyMap<string, Entry>, now: number): readonly string[] {
  const isFresh = ({ since, goneSince }: Entry) =>
    since !== undefined && goneSince === undefined && Math.abs(now - since) < FRESH_MS
  return [...entries].flatMap(([service, one]) => (isFresh(one) ? [service] : []))
}

/** Gives offsets to these services in their order, beside those of all others. */
function place(services: readonly string[], entries: Map<string, Entry>, now: number): void {
  const since = new Map(services.map((service) => [service, entries.get(service)?.since ?? now]))
  for (const service of services) entries.delete(service)
  const taken = new Set([...entries.values()].map(({ offset }) => offset))
  for (const service of services) {
    const offset = freeOffset(service, taken)
    // With all addresses given away a service has no name; everything else of it works.
    if (offset === undefined) return
    taken.add(offset)
    entries.set(service, { offset, since: since.get(service) ?? now })
  }
}

function freeOffset(service: string, taken: ReadonlySet<number>): number | undefined {
  if (taken.size >= LARGEST_OFFSET) return undefined
  const wanted = wantedOffset(service)
  for (let step = 0; step < LARGEST_OFFSET; step++) {
    const offset = ((wanted - 1 + step) % LARGEST_OFFSET) + 1
    if (!taken.has(offset)) return offset
  }
  return undefined
}

/** The offset that a service has unless another one has it. */
function wantedOffset(service: string): number {
  const hash = createHash('sha256').update(service).digest().readUInt32BE(0)
  return (hash % LARGEST_OFFSET) + 1
}

function sameOffsets(previous: Offsets, next: ReadonlyMap<string, Entry>): boolean {
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
