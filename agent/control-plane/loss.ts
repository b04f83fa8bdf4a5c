import { describeError } from '../../common/log.js'

/** What the operating system and gRPC say, and what it means to who reads the log of an agent. */
const PLAIN_WORDS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nothing listens there (ECONNREFUSED)'],
  [/ECONNRESET/, 'the control plane closed the connection (ECONNRESET)'],
  [/EHOSTUNREACH|ENETUNREACH/, 'there is no way to that address (no route)'],
  [/ETIMEDOUT|keepalive timeout/i, 'it does not answer (timeout)'],
  [/connection dropped/i, 'the connection was lost'],
]

/** Why there is no session with a control plane, or why a stream over it ended, in plain words and one line. */
export function describeLoss(error: unknown, now: number = Date.now()): string {
  const text = describeError(error)
  // Where a certificate is not valid at this time, the time may be what is wrong.
  if (/certificate is not yet valid|certificate has expired/.test(text)) {
    return `${withoutFrame(text)}: the clock of this host says ${new Date(now).toISOString()}, is it right?`
  }
  return PLAIN_WORDS.find(([pattern]) => pattern.test(text))?.[1] ?? withoutFrame(text)
}

/** The text without what gRPC puts around it: `14 UNAVAILABLE: No connection established. Last error: …`. */
function withoutFrame(text: string): string {
  return text
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/\.? Resolution note: .*$/, '')
    .trim()
}
