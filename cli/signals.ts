import type { Log } from '../common/log.js'

/**
 * Lets a daemon live on at SIGHUP, which ends a process that does not listen for it. Nothing has to be read anew: files are
 * followed as they change, and settings need a restart.
 */
export function ignoreHangup(log: Log): void {
  process.on('SIGHUP', () =>
    log.info('SIGHUP changes nothing: documents and service files are followed by themselves, settings need a restart'),
  )
}

/**
 * A signal that aborts on SIGTERM and SIGINT. A second one of them while the process still winds up ends it at once.
 */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1)
      controller.abort()
    })
  }
  return controller.signal
}
