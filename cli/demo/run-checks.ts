import type { Write } from '../output.js'
import type { CheckContext } from './check.js'
import { CHECKS } from './checks.js'

/**
 * Runs every check of the demo over real requests, one line each, and tells the counts last. A failed check does not
 * stop the others.
 *
 * @returns how many failed
 */
export async function runChecks(context: CheckContext, write: Write): Promise<number> {
  let failed = 0
  for (const { name, run } of CHECKS) {
    try {
      const detail = await run(context)
      write(`ok      ${name}${detail === undefined ? '' : ` — ${detail}`}\n`)
    } catch (error) {
      failed++
      write(`FAILED  ${name} — ${(error as Error).message}\n`)
    }
  }
  write(`${CHECKS.length - failed} passed, ${failed} failed\n`)
  return failed
}
