import { open } from 'node:fs/promises'
import { isMissing } from '../../common/files.js'
import { describeError } from '../../common/log.js'

/** How much of the end of a log is looked at, in bytes. */
const TAIL = 16_384

/**
 * The last line of Envoy's log that says what went wrong, without its time and place; undefined where none does.
 * Envoy says why it cannot start nowhere else.
 */
export async function lastErrorLine(path: string): Promise<string | undefined> {
  try {
    return findErrorLine(await readTail(path))
  } catch (error) {
    return isMissing(error) ? undefined : `its log cannot be read: ${describeError(error)}`
  }
}

/**
 * The same for a text: `[2026-01-01 12:00:00.000][7][critical][main] [source/server/server.cc:42] text` gives `text`.
 */
export function findErrorLine(log: string): string | undefined {
  const lines = log.split('\n').filter((line) => /^\[[^\]]*\]\[\d+\]\[(?:error|critical)\]/.test(line))
  return lines.at(-1)?.replace(/^(?:\[[^\]]*\])+ (?:\[[^\]]*\] )?/, '')
}

async function readTail(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL), 0, TAIL, Math.max(0, size - TAIL))
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
