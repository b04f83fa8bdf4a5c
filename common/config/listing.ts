import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { isMissing } from '../files.js'
import type { Problem } from '../problem.js'
import type { FileStat } from './settling.js'

/** Largest file that is read, bytes. */
export const MAX_FILE = 1024 * 1024

/** A file that may hold documents. */
export interface FoundFile {
  readonly path: string
  /** As people know it: below its directory's own name, `routes.d/payments.yaml`. */
  readonly shown: string
  readonly stat: FileStat
  /** Owner and permission bits. */
  readonly owner: { readonly uid: number; readonly mode: number }
}

/** What is in the directories. */
export interface Listing {
  /** In lexical order of their shown names. */
  readonly files: readonly FoundFile[]
  readonly problems: readonly Problem[]
}

/** Lists all YAML files below the directories. A directory that does not exist is empty; what cannot be read is reported. */
export async function listDirectories(directories: readonly string[]): Promise<Listing> {
  const files: FoundFile[] = []
  const problems: Problem[] = []
  for (const directory of directories) await listDirectory(directory, files, problems)
  return { files: files.sort((a, b) => (a.shown < b.shown ? -1 : 1)), problems }
}

async function listDirectory(directory: string, files: FoundFile[], problems: Problem[]): Promise<void> {
  for (const path of await namesBelow(directory, problems)) {
    const shown = join(basename(directory), relative(directory, path))
    try {
      const found = await stat(path, { bigint: true })
      const { ino, size, mtimeNs, ctimeNs, uid, mode } = found
      if (!found.isFile()) {
        problems.push(fileProblem(shown, 'MSH0107', 'has a YAML name and is not a file'))
      } else if (size > MAX_FILE) problems.push(fileProblem(shown, 'MSH0102', 'larger than 1 MiB; it is not read'))
      else {
        const owner = { uid: Number(uid), mode: Number(mode) & 0o777 }
        files.push({ path, shown, stat: { inode: ino, size, modified: mtimeNs, changed: ctimeNs }, owner })
      }
    } catch (error) {
      if (!isMissing(error)) problems.push(fileProblem(shown, 'MSH0101', (error as Error).message))
    }
  }
}

async function namesBelow(directory: string, problems: Problem[]): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries
      .filter(({ name, parentPath }) => isDocumentName(name) && !hidden(relative(directory, parentPath)))
      .map(({ name, parentPath }) => join(parentPath, name))
  } catch (error) {
    if (!isMissing(error)) problems.push(fileProblem(basename(directory), 'MSH0101', (error as Error).message))
    return []
  }
}

/** Whether a name is one of a document and not of what editors and package managers leave behind. */
export function isDocumentName(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/^[.#]|~$|#$/.test(name) && !/\.(?:dpkg-[a-z]+|rpm(?:new|save|orig))/.test(name)
}

function hidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.'))
}

/** Reads a file whose listing is known; undefined where it changed meanwhile or is gone. */
export async function readListed({ path, stat: listed }: FoundFile): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    const now = await stat(path, { bigint: true })
    return now.ino === listed.inode && now.mtimeNs === listed.modified && now.size === listed.size ? text : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** A problem of a file as a whole. */
export function fileProblem(
  shown: string,
  code: string,
  message: string,
  severity: Problem['severity'] = 'error',
): Problem {
  return { file: shown, line: 1, column: 1, code, severity, path: '', message }
}
