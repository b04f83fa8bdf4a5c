import { runTasks, type Task } from '../common/tasks.js'
import { PartFailed } from './leave.js'

/**
 * Runs the parts of an agent until the host has left; they live as long as leaving takes. A part that fails stops the others:
 * an agent must not live on by half. The signal of `leave` then aborts with {@link PartFailed}, because it is not the host
 * that leaves.
 *
 * @throws what the first part that failed has thrown, once all have ended
 */
export async function runUntilLeft(tasks: readonly Task[], leave: Task, signal: AbortSignal): Promise<void> {
  const end = new AbortController()
  const leaving: Task = async (failed) => {
    const stop = new AbortController()
    abortWith(stop, signal)
    abortWith(stop, failed, new PartFailed())
    await leave(stop.signal).finally(() => end.abort())
  }
  await runTasks(end.signal, [...tasks, leaving])
}

function abortWith(stop: AbortController, signal: AbortSignal, reason?: unknown): void {
  if (signal.aborted) stop.abort(reason)
  else signal.addEventListener('abort', () => stop.abort(reason), { once: true })
}
