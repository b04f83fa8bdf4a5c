import { fstatSync, writeSync } from 'node:fs'
import { pino } from 'pino'

/** Facts beside a log message; values that are errors are written with their message, code and cause. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * What code logs through: a constant message, variable parts as fields.
 *
 * `info` is what an operator wants to read once a week, `warn` what the mesh survived, `error` what it did not.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose lines all carry these fields: one a stream, a host, a service. */
  child(fields: LogFields): Log
}

/** How loud: `debug` < `info` < `warn` < `error` < `silent`. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A text that must never be printed: JSON, templates and inspection all show `[redacted]`. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The text itself, for the one place that needs it. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

/** Priority prefixes by which journald sorts lines from standard error. @see sd-daemon(3) */
const JOURNAL_PREFIX: Readonly<Record<string, string>> = { debug: '<7>', info: '<6>', warn: '<4>', error: '<3>' }

/** Where standard error goes. */
const STANDARD_ERROR = 2

/**
 * Writes to standard error and never fails: a full disk, or a reader that went away, must not end a daemon. A file is written
 * without the stream that Node has for it, which would stay closed after its first error.
 */
function toStandardError(): (line: string) => void {
  if (isFile(STANDARD_ERROR)) {
    return (line) => {
      try {
        writeSync(STANDARD_ERROR, line)
      } catch {
        // The line is lost. There is no other place to tell that in.
      }
    }
  }
  process.stderr.on('error', () => undefined)
  return (line) => process.stderr.write(line)
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile()
  } catch {
    return false
  }
}

/**
 * Makes a log of JSON lines on standard error, written synchronously so that nothing is lost in a crash. Under systemd
 * (`JOURNAL_STREAM` is set) each line starts with its journald priority.
 *
 * @param write where lines go; standard error unless a test gives its own
 */
export function createLog(level: LogLevel, write: (line: string) => void = toStandardError(), journal = false): Log {
  const destination = {
    write(line: string) {
      write(journal ? `${JOURNAL_PREFIX[levelOf(line)] ?? ''}${line}` : line)
    },
  }
  const root = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    destination,
  )
  return wrap(root)
}

/** A log that drops everything, for tests and tools. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  }
}

function levelOf(line: string): string {
  return /"level":"(\w+)"/.exec(line)?.[1] ?? 'info'
}

/** One line that tells an error with its causes, outermost first. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${describeError(error.cause)}`
  return `${error.message}${cause}`
}
