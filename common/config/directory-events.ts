import { watch } from 'chokidar'

/**
 * Calls back when something may have changed below the directories, now or when they come to exist. The only door to
 * chokidar; it misses some changes (directories made later, links, what lies behind them), so who needs all of them
 * looks by itself from time to time.
 *
 * @returns how to stop
 */
export function watchEvents(directories: readonly string[], onEvent: () => void): () => Promise<void> {
  const watcher = watch([...directories], { ignoreInitial: true, followSymlinks: false })
  watcher.on('all', onEvent)
  // Out of watches, say: then only looking from time to time is left.
  watcher.on('error', onEvent)
  return () => {
    // A removal that it still looks at when it is closed can make it watch again, for ever, a directory further up.
    watcher.add = () => watcher
    return watcher.close()
  }
}
