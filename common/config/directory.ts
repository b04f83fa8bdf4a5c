import type { BigIntStats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { isMissing } from '../files.js'
import type { Problem } from '../problem.js'
import type { ProblemCode } from './codes.js'
import type { FileStat } from './settle.js'

/** Something with the name of a file that holds documents. */
export interface FoundFile {
  readonly path: string
  /** As people know it: below its directory's own name, `routes.d/payments.yaml`. */
  readonly shown: string
  readonly stat: FileStat
}

/** What is in some directories. */
export interface Listing {
  /** In lexical order of their shown names. */
  readonly files: readonly FoundFile[]
  /** Files and directories of which nothing is known now, because they cannot be looked at. */
  readonly hidden: readonly Pick<FoundFile, 'path' | 'shown'>[]
  /** Those of the directories themselves that do not exist. */
  readonly absent: readonly Pick<FoundFile, 'path' | 'shown'>[]
  readonly problems: readonly Problem[]
}

/** Lists all YAML files below the directories. */
export async function listDirectories(directories: readonly string[]): Promise<Listing> {
  const walk: Walk = { files: new Map(), hidden: [], absent: [], problems: [], most: MOST_FILES }
  for (const directory of directories) {
    const root = resolve(directory)
    const names = directories.filter((other) => basename(resolve(other)) === basename(root))
    const shownAs = names.length > 1 ? root : basename(root)
    await listRoot(root, (path) => join(shownAs, relative(root, path)), walk)
  }
  const files = [...walk.files.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1))
  const { hidden, absent, problems } = walk
  return { files, hidden, absent, problems }
}

/** More files than these in one directory and those below it are a mistake, and would take minutes to read. */
export const MOST_FILES = 20_000

class TooManyFiles extends Error {}

/** A directory with too many files counts as one that cannot be looked at: what is in effect of it stays. */
async function listRoot(root: string, show: Show, walk: Walk): Promise<void> {
  const before = new Set(walk.files.keys())
  try {
    await listBelow(root, show, [], { ...walk, most: walk.files.size + MOST_FILES })
  } catch (error) {
    if (!(error instanceof TooManyFiles)) throw error
    for (const path of walk.files.keys()) if (!before.has(path)) walk.files.delete(path)
    walk.hidden.push({ path: root, shown: show(root) })
    const message = `more than ${MOST_FILES} files: nothing below is read until there are fewer`
    walk.problems.push(fileProblem(show(root), 'MSH0121', message))
  }
}

interface Walk {
  /** By path: directories may lie in each other. */
  readonly files: Map<string, FoundFile>
  readonly hidden: Pick<FoundFile, 'path' | 'shown'>[]
  readonly absent: Pick<FoundFile, 'path' | 'shown'>[]
  readonly problems: Problem[]
  /** How many files there may be. */
  readonly most: number
}

type Show = (path: string) => string

/** @param above the identities of the directories above, to notice links that lead back to one of them */
async function listBelow(directory: string, show: Show, above: readonly string[], walk: Walk): Promise<void> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true })
    const own = `${dev}:${ino}`
    if (above.includes(own)) {
      walk.problems.push(
        fileProblem(show(directory), 'MSH0107', 'a symbolic link that leads back to a directory above it'),
      )
      return
    }
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name)
      if (isDocumentName(entry.name)) await listFile(path, show, entry.isSymbolicLink(), walk)
      else if (
        !isLeftOver(entry.name) &&
        (entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(path))))
      )
        await listBelow(path, show, [...above, own], walk)
    }
  } catch (error) {
    if (error instanceof TooManyFiles) throw error
    if (isMissing(error)) {
      if (above.length === 0) walk.absent.push({ path: directory, shown: show(directory) })
      return
    }
    walk.hidden.push({ path: directory, shown: show(directory) })
    walk.problems.push(fileProblem(show(directory), 'MSH0101', `cannot be listed: ${reasonOf(error)}`))
  }
}

async function listFile(path: string, show: Show, isLink: boolean, walk: Walk): Promise<void> {
  if (walk.files.size >= walk.most) throw new TooManyFiles()
  try {
    const found = { path, shown: show(path), stat: statOf(await stat(path, { bigint: true })) }
    if (!walk.files.has(path)) walk.files.set(path, found)
  } catch (error) {
    if (isMissing(error) && !isLink) return
    walk.hidden.push({ path, shown: show(path) })
    const reason = isMissing(error) ? 'the file that it links to does not exist' : reasonOf(error)
    walk.problems.push(fileProblem(show(path), 'MSH0101', `cannot be read: ${reason}`))
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // A link that leads nowhere, and whose name is not that of a document, is nobody's concern.
    return false
  }
}

/** Whether a name is one of a document and not of what editors and package managers leave behind. */
export function isDocumentName(name: string): boolean {
  return /\.ya?ml$/.test(name) && !isLeftOver(name)
}

function isLeftOver(name: string): boolean {
  return /^[.#]|[~#]$|\.(?:dpkg-|ucf-|rpm(?:new|save|orig))/.test(name)
}

/** A problem of a file as a whole. */
export function fileProblem(
  shown: string,
  code: ProblemCode,
  message: string,
  severity: Problem['severity'] = 'error',
): Problem {
  return { file: shown, line: 1, column: 1, code, severity, path: '', message }
}

/** Whether a path is one of these or lies below one. */
export function isAmong(path: string, places: readonly string[]): boolean {
  for (let place = path; ; place = dirname(place)) {
    if (places.includes(place)) return true
    if (place === dirname(place)) return false
  }
}

/** What is compared of a file. */
export function statOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): FileStat {
  return { inode: ino, size, modified: mtimeNs, changed: ctimeNs }
}

/** Why the file system refuses, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? message
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  ELOOP: 'symbolic links lead in a circle',
  ENOTDIR: 'not a directory',
  EIO: 'the disk reports an error',
}
