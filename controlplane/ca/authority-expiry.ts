import type { ProblemView } from '../../common/admin-api.js'
import type { Log } from '../../common/log.js'
import { delay, type Task } from '../../common/tasks.js'
import type { Authority } from './authority.js'

const DAY_MS = 86_400_000

/** How long before its end a certificate of the CA is told of, and from when on that is an error, milliseconds. */
const TOLD_BEFORE = {
  intermediate: { notice: 30 * DAY_MS, error: 7 * DAY_MS },
  root: { notice: 365 * DAY_MS, error: 90 * DAY_MS },
} as const

const REMEDY = {
  intermediate: '"mesh ca issue --renew" makes another one; then restart this control plane',
  root: 'a root cannot be replaced yet: a new root is a new mesh, which every host has to join',
} as const

/** How often the log tells of it, milliseconds. */
const LOGGED_EVERY_MS = DAY_MS

/** How often the clock is looked at, milliseconds: wall clocks jump, so no long timer is trusted. */
const TICK_MS = 30_000

type Signers = Pick<Authority, 'root' | 'intermediate'>

/** What an operator has to know of the ends of the CA's certificates now; nothing while they are far. */
export function viewAuthorityExpiry(authority: Signers, now: number): readonly ProblemView[] {
  return (['intermediate', 'root'] as const).flatMap((part) => {
    const { notAfter } = authority[part].certificate
    const left = notAfter - now
    if (left > TOLD_BEFORE[part].notice) return []
    const severity = left > TOLD_BEFORE[part].error ? ('notice' as const) : ('error' as const)
    return [
      { place: `ca/${part}.pem`, severity, code: 'MSH0601', message: tell(part, notAfter, left), hint: REMEDY[part] },
    ]
  })
}

function tell(part: keyof typeof TOLD_BEFORE, notAfter: number, left: number): string {
  const date = new Date(notAfter).toISOString()
  if (left <= 0) return `the ${part} certificate expired at ${date}: nothing is issued, and hosts cannot connect`
  return `the ${part} certificate expires at ${date}, and everything that it signed expires with it`
}

/** Tells the log of the same at once and every day, and as soon as a certificate has expired. */
export function logAuthorityExpiry(authority: Signers, log: Log, now: () => number = Date.now): Task {
  return async (signal) => {
    let told = { at: Number.NEGATIVE_INFINITY, text: '' }
    while (!signal.aborted) {
      const problems = viewAuthorityExpiry(authority, now())
      const text = problems.map(({ message }) => message).join()
      if (text !== told.text || now() - told.at >= LOGGED_EVERY_MS) {
        for (const { severity, message, hint } of problems)
          log[severity === 'error' ? 'error' : 'warn'](message, { hint })
        told = { at: now(), text }
      }
      await delay(TICK_MS, signal)
    }
  }
}
