import { runTasks, type Task } from '../common/tasks.js'

/**
 * Runs the parts of an agent until the host has left; they live as long as leaving takes. A part that fails stops the others,
 * so the host leaves then too: it must not live on by half.
 *
 * @throws what the first part that failed has thrown, once the host has left
 */
export async function runUntilLeft(tasks: readonly Task[], leave: Task, signal: AbortSignal): Promise<void> {
  const end = new AbortController()
  const leaving: Task = async (failed) => {
    const stop = new AbortController()
    for (const one of [signal, failed]) {
      if (one.aborted) stop.abort()
      else one.addEventListener('abort', () => stop.abort(), { once: true })
    }
    await leave(stop.signal).finally(() => end.abort())
  }
  await runTasks(end.signal, [...tasks, leaving])
}
