import { watch } from 'chokidar'

/**
 * Calls back when something may have changed below the directories, now or when they come to exist. The only door to
 * chokidar; it misses some changes (directories made later, swapped links), so who needs all of them looks by itself
 * from time to time.
 *
 * @returns how to stop
 */
export function watchEvents(directories: readonly string[], onEvent: () => void): () => Promise<void> {
  const watcher = watch([...directories], { ignoreInitial: true, persistent: true })
  watcher.on('all', onEvent)
  watcher.on('error', onEvent)
  return () => watcher.close()
}
