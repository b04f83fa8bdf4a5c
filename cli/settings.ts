import { existsSync } from 'node:fs'
import type { z } from 'zod'
import { loadSettings } from '../common/config/settings.js'
import { createLog, type Log, type LogLevel } from '../common/log.js'
import { formatProblem, type Problem } from '../common/problem.js'
import { CommandFailure, EXIT } from './exit.js'

/**
 * Reads a settings file with the environment over it, and flags such as `envoy.drainTime=10s` over that.
 *
 * @param exitCode what the process ends with when the file is wrong
 * @throws CommandFailure with every problem as `file:line:column: …`
 */
export async function readSettings<S extends z.ZodObject>(
  schema: S,
  file: string,
  exitCode: number = EXIT.configuration,
  flags: readonly string[] = [],
): Promise<z.output<S>> {
  const { settings, problems } = await loadSettings(schema, file, process.env, flags)
  if (settings !== undefined) return settings
  const missing = existsSync(file) ? '' : `; there is no file ${file}`
  throw new CommandFailure(exitCode, `the settings are not valid${missing}\n${formatProblems(problems)}`)
}

/** Problems as lines, errors and notices alike. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problem.severity}: ${formatProblem(problem)}`).join('\n')
}

/** The log of a daemon: JSON lines on standard error, with journald's priorities under systemd. */
export function daemonLog(level: LogLevel): Log {
  return createLog(level, undefined, process.env['JOURNAL_STREAM'] !== undefined)
}
