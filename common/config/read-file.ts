import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { isMissing } from '../files.js'
import type { Problem } from '../problem.js'
import type { ProblemCode } from './codes.js'
import { type FoundFile, fileProblem, reasonOf, statOf } from './directory.js'
import { sameStat } from './settle.js'

/** Largest file that is read, bytes. */
export const MAX_FILE = 1024 * 1024

/** To whom a file belongs. */
export interface FileOwner {
  readonly uid: number
  /** Permission bits. */
  readonly mode: number
}

/** The text of a file, or why it has none. */
export type FileContent = { readonly text: string } | { readonly problem: Problem }

/**
 * Reads a file that was listed.
 *
 * @param refuse says why a file of this owner must not be read; asked about the very file that is then read
 * @returns undefined where it is gone or is not what was listed any more
 */
export async function readListed(
  { path, shown, stat: listed }: FoundFile,
  refuse?: (owner: FileOwner) => Pick<Problem, 'message' | 'hint'> | undefined,
): Promise<FileContent | undefined> {
  try {
    const before = await stat(path, { bigint: true })
    if (!before.isFile()) return failed(shown, 'MSH0107', 'has the name of a YAML file and is not a file')
    // Never waits for the other end, should somebody put a pipe in the file's place right now.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { uid, mode } = await file.stat()
      const refusal = refuse?.({ uid, mode: mode & 0o7777 })
      if (refusal !== undefined) return { problem: { ...fileProblem(shown, 'MSH0104', ''), ...refusal } }
      const content = await readText(file, shown)
      return sameStat(statOf(await file.stat({ bigint: true })), listed) ? content : undefined
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    return failed(shown, 'MSH0101', `cannot be read: ${reasonOf(error)}`)
  }
}

async function readText(file: FileHandle, shown: string): Promise<FileContent> {
  const buffer = Buffer.allocUnsafe(MAX_FILE + 1)
  let length = 0
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = (await file.read(buffer, length, buffer.length - length)).bytesRead
  }
  if (length > MAX_FILE) return failed(shown, 'MSH0102', 'larger than 1 MiB')
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, length)) }
  } catch {
    return { problem: notUtf8(shown, buffer.subarray(0, length)) }
  }
}

function notUtf8(shown: string, bytes: Buffer): Problem {
  const at = firstFault(bytes)
  const line = bytes.subarray(0, at).toString('latin1').split('\n').length
  const column = at - bytes.lastIndexOf(10, at - 1)
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const message = `not UTF-8 text: the byte 0x${(bytes[at] ?? 0).toString(16).toUpperCase()} stands here`
  const hint = wide ? 'it is UTF-16: save it as UTF-8' : 'save the file as UTF-8'
  return { ...fileProblem(shown, 'MSH0103', message), line, column: at === 0 ? 1 : column, hint }
}

/** The offset of the first byte with which the text stops to be UTF-8, found by halving. */
function firstFault(bytes: Buffer): number {
  const isGood = (length: number) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
      return true
    } catch {
      return false
    }
  }
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isGood(middle)) good = middle
    else bad = middle
  }
  return good
}

function failed(shown: string, code: ProblemCode, message: string): FileContent {
  return { problem: fileProblem(shown, code, message) }
}
