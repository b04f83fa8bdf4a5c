/** What the file system says of a file; times in nanoseconds. */
export interface FileStat {
  readonly inode: bigint
  readonly size: bigint
  readonly modified: bigint
  readonly changed: bigint
}

/** A file is taken when nothing of it has changed for so long, milliseconds. */
export const STABLE_MS = 250

/** A file that shrank by more than half by a write in place is taken after so long, milliseconds. */
export const SHRUNK_MS = 5_000

/** A deleted file is gone after so long, milliseconds: editors that replace files delete them for a moment. */
export const GONE_MS = 1_000

/** What to do about files now. */
export interface Settled {
  /** Paths to be read now, with what they looked like. */
  readonly take: ReadonlyMap<string, FileStat>
  readonly gone: readonly string[]
  /** Paths that are held because they shrank. */
  readonly shrunk: readonly string[]
  /** When to look again although nothing happens, milliseconds as `now`; undefined: no need. */
  readonly wakeAt: number | undefined
}

interface Pending {
  readonly stat: FileStat | undefined
  readonly since: number
}

/**
 * Decides when a file that somebody writes may be read, without touching the disk: a rename into place at once, any
 * other change when it has been stable, so that no half-written text is ever taken.
 */
export class Settling {
  readonly #taken = new Map<string, FileStat>()
  readonly #pending = new Map<string, Pending>()

  /** Says that a file was read as it looked like this. */
  taken(path: string, stat: FileStat): void {
    this.#taken.set(path, stat)
    this.#pending.delete(path)
  }

  /** @param now milliseconds that never jump */
  observe(files: ReadonlyMap<string, FileStat>, now: number): Settled {
    const take = new Map<string, FileStat>()
    const gone: string[] = []
    const shrunk: string[] = []
    const wakes: number[] = []
    for (const path of new Set([...files.keys(), ...this.#taken.keys(), ...this.#pending.keys()])) {
      const stat = files.get(path)
      const before = this.#taken.get(path)
      if (same(stat, before)) {
        this.#pending.delete(path)
        continue
      }
      const since = this.#since(path, stat, now)
      const due = since + waitFor(before, stat)
      if (due > now) {
        wakes.push(due)
        if (isShrunk(before, stat) && now - since >= STABLE_MS) shrunk.push(path)
        else if (isShrunk(before, stat)) wakes.push(since + STABLE_MS)
      } else if (stat !== undefined) take.set(path, stat)
      else {
        gone.push(path)
        this.#taken.delete(path)
        this.#pending.delete(path)
      }
    }
    return { take, gone, shrunk, wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes) }
  }

  #since(path: string, stat: FileStat | undefined, now: number): number {
    const pending = this.#pending.get(path)
    if (pending !== undefined && same(pending.stat, stat)) return pending.since
    this.#pending.set(path, { stat, since: now })
    return now
  }
}

/** How long a change must have been stable before it is taken. */
function waitFor(before: FileStat | undefined, stat: FileStat | undefined): number {
  if (stat === undefined) return before === undefined ? 0 : GONE_MS
  // A rename changes the inode's own time after the last write; a file that is made and written in place has both alike.
  if (before !== undefined && before.inode !== stat.inode && stat.changed > stat.modified) return 0
  return isShrunk(before, stat) ? SHRUNK_MS : STABLE_MS
}

function isShrunk(before: FileStat | undefined, stat: FileStat | undefined): boolean {
  return before !== undefined && stat !== undefined && before.inode === stat.inode && stat.size * 2n < before.size
}

function same(a: FileStat | undefined, b: FileStat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.inode === b.inode && a.size === b.size && a.modified === b.modified && a.changed === b.changed
}
