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
