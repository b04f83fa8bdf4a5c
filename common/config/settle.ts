/** What the file system says of a file; times in nanoseconds. */
export interface FileStat {
  readonly inode: bigint
  readonly size: bigint
  /** When its content was last written. */
  readonly modified: bigint
  /** When its content, name, owner or mode last changed. */
  readonly changed: bigint
}

/** A file is taken when nothing of it has changed for so long, milliseconds. */
export const STABLE_MS = 250

/** A file that shrank by more than half by a write in place is taken after so long, milliseconds. */
export const SHRUNK_MS = 5_000

/** A deleted file is gone after so long, milliseconds: editors that replace files delete them for a moment. */
export const GONE_MS = 1_000

/** One look at the directories. */
export interface Sight {
  readonly files: ReadonlyMap<string, FileStat>
  /** Milliseconds of a clock that never jumps. */
  readonly now: number
  /** How long ago a file last changed by the wall clock, milliseconds; only asked about files never seen before. */
  readonly ageOf?: (stat: FileStat) => number
  /** Whether nothing can be said about a path now, because a directory above it cannot be read. */
  readonly isHidden?: (path: string) => boolean
}

/** What to do about files now. */
export interface Settled {
  /** Paths to be read now. */
  readonly take: readonly string[]
  readonly gone: readonly string[]
  /** Paths that have been stable and are held because they shrank. */
  readonly shrunk: readonly string[]
  /** When to look again although nothing happens, on the clock of `now`; undefined: no need. */
  readonly wakeAt: number | undefined
}

interface Pending {
  /** Undefined: missing. */
  readonly stat: FileStat | undefined
  readonly since: number
  readonly due: number
}

/**
 * Decides when a file that somebody writes may be read, without touching the disk: a rename into place at once, any
 * other change when it has been stable, so that no half-written text is ever taken. A file that got another name is
 * gone under the old one when it is taken under the new one.
 */
export class Settling {
  readonly #taken = new Map<string, FileStat>()
  readonly #pending = new Map<string, Pending>()

  /** Says that a file was read, or found unusable, as it looked like this. */
  taken(path: string, stat: FileStat): void {
    this.#taken.set(path, stat)
    this.#pending.delete(path)
  }

  /** A path that is to be taken is named again at each look until {@link taken} is told. */
  observe({ files, now, ageOf, isHidden }: Sight): Settled {
    const inodes = new Set([...files.values()].map(({ inode }) => inode))
    for (const path of new Set([...files.keys(), ...this.#taken.keys(), ...this.#pending.keys()])) {
      if (isHidden?.(path) !== true) this.#observeOne(path, files.get(path), inodes, now, ageOf)
    }
    const due = [...this.#pending].filter(([, pending]) => pending.due <= now)
    const gone = due.flatMap(([path, { stat }]) => (stat === undefined ? [path] : []))
    for (const path of gone) {
      this.#taken.delete(path)
      this.#pending.delete(path)
    }
    const waiting = [...this.#pending].filter(([, pending]) => pending.due > now)
    const shrunk = waiting.filter(([path, { stat }]) => isShrunk(this.#taken.get(path), stat))
    const told = shrunk.map(([, { since }]) => since + STABLE_MS).filter((at) => at > now)
    const wakes = [...told, ...waiting.map(([, pending]) => pending.due)]
    return {
      take: due.flatMap(([path, { stat }]) => (stat === undefined ? [] : [path])),
      gone,
      shrunk: shrunk.flatMap(([path, { since }]) => (since + STABLE_MS > now ? [] : [path])),
      wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes),
    }
  }

  #observeOne(
    path: string,
    stat: FileStat | undefined,
    inodes: ReadonlySet<bigint>,
    now: number,
    ageOf: Sight['ageOf'],
  ): void {
    const taken = this.#taken.get(path)
    const pending = this.#pending.get(path)
    if (sameStat(stat, taken)) this.#pending.delete(path)
    else if (pending === undefined || !sameStat(stat, pending.stat)) {
      const moved = stat === undefined && taken !== undefined && inodes.has(taken.inode)
      const age =
        taken === undefined && pending === undefined && stat !== undefined ? Math.max(0, ageOf?.(stat) ?? 0) : 0
      const wait = moved ? STABLE_MS : Math.max(0, waitFor(taken, pending, stat) - age)
      this.#pending.set(path, { stat, since: now, due: now + wait })
    }
  }
}

/** How long a change must have been stable before it is taken. */
function waitFor(taken: FileStat | undefined, pending: Pending | undefined, stat: FileStat | undefined): number {
  if (stat === undefined) return taken === undefined ? 0 : GONE_MS
  if (taken !== undefined && isRenamed(taken, pending, stat)) return 0
  return isShrunk(taken, stat) ? SHRUNK_MS : STABLE_MS
}

/**
 * Whether a whole file was renamed into the place of another: the name never vanished, and the rename changed the inode
 * after its last write. A file that is made and written in place has equal times, and is seen growing under one inode.
 */
function isRenamed(taken: FileStat, pending: Pending | undefined, stat: FileStat): boolean {
  if (taken.inode === stat.inode || stat.size === 0n || stat.changed <= stat.modified) return false
  return pending === undefined || (pending.stat !== undefined && pending.stat.inode !== stat.inode)
}

function isShrunk(taken: FileStat | undefined, stat: FileStat | undefined): boolean {
  return taken !== undefined && stat !== undefined && taken.inode === stat.inode && stat.size * 2n < taken.size
}

/** Whether nothing of a file has changed. */
export function sameStat(a: FileStat | undefined, b: FileStat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.inode === b.inode && a.size === b.size && a.modified === b.modified && a.changed === b.changed
}
