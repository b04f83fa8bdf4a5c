import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Whether an error of `node:fs` says that there is no such file or directory. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Reads a text file; undefined where there is none. @throws any other error of reading. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Makes a directory with its parents, for its owner alone (0700) unless `mode` says otherwise. */
export async function makeDirectory(path: string, mode = 0o700): Promise<void> {
  await mkdir(path, { recursive: true, mode })
}

/**
 * Replaces a file so that a reader, and a machine that loses power, sees the old content or the new and never a part:
 * create-exclusive beside it, fsync, rename, fsync of the directory.
 *
 * @param mode permission bits, 0600 unless given
 * @throws what the disk says (full, read-only); the old file is then untouched
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/**
 * Replaces a text file unless it has that text already: an unchanged file keeps its time, so that nothing that watches
 * it is woken.
 */
export async function writeIfDifferent(path: string, text: string, mode: number): Promise<void> {
  if ((await readIfPresent(path)) !== text) await writeFileAtomically(path, text, mode)
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
