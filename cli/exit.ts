/** Exit codes of the `mesh` command, after sysexits(3); systemd does not restart after USAGE and CONFIGURATION. */
export const EXIT = {
  ok: 0,
  other: 1,
  usage: 64,
  invalidInput: 65,
  noSuchFile: 66,
  unreachable: 69,
  bug: 70,
  exists: 73,
  tryAgain: 75,
  permission: 77,
  configuration: 78,
  findings: 79,
} as const

/** An end of the command that is not its success: what to print on standard error, and the exit code. */
export class CommandFailure extends Error {
  readonly exitCode: number
  readonly hint: string | undefined

  constructor(exitCode: number, message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
    this.hint = hint
  }
}
