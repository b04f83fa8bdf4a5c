import { copyFile, stat, truncate } from 'node:fs/promises'
import { isMissing } from '../../common/files.js'
import { describeError, type Log } from '../../common/log.js'
import { delay, type Task } from '../../common/tasks.js'

/** How large a log may grow, bytes, and how often that is looked at, milliseconds. */
const LIMITS: { readonly most: number; readonly pause: number } = { most: 16 * 1024 * 1024, pause: 10_000 }

/**
 * Keeps Envoy's log from filling the directory for run-time files, which is memory: when it is too large it becomes
 * `<path>.1`, in the place of the one before, and is emptied. It is copied and not renamed because Envoy holds it open, also
 * an adopted one; it writes at the end, wherever that is. A line that is written at that very moment may be lost.
 */
export function boundLog(path: string, log: Log, { most, pause } = LIMITS): Task {
  return async (signal) => {
    for (; !signal.aborted; await delay(pause, signal)) {
      try {
        if ((await sizeOf(path)) <= most) continue
        await copyFile(path, `${path}.1`).catch((error: unknown) => {
          log.warn("Envoy's log is too large and is emptied without a copy", { path, error: describeError(error) })
        })
        await truncate(path)
      } catch (error) {
        log.warn("the size of Envoy's log cannot be bounded", { path, error: describeError(error) })
      }
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}
