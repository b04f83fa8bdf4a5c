/** Variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a child process may know of our environment; everything else stays here. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'HOME',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'LOGNAME',
  'PATH',
  'TMPDIR',
  'TZ',
  'USER',
])

/**
 * The environment for a child process: a short list of harmless names. A list of what is kept, not of what is removed,
 * because `NOTIFY_SOCKET`, `WATCHDOG_*`, `LISTEN_*`, `CREDENTIALS_DIRECTORY` and join tokens must never reach a child,
 * and nobody knows what the next secret will be called.
 */
export function scrubEnvironment(environment: Environment): Record<string, string> {
  const kept = Object.entries(environment).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && PASSED_ON.has(entry[0])
  })
  return Object.fromEntries(kept)
}
