import { share } from '../common/memo/share.js'
import { atOnce } from '../common/memo/steps.js'
import { type BuildInput, BuildMemo, type Built, buildSteps } from './build.js'
import { requireEqualResources } from './envoy/build.js'

/** What was made step by step is not what is made anew: something is made from more than its memo knows of. */
export class StaleBuild extends Error {
  readonly part: string

  constructor(part: string) {
    super(`the ${part} of this build differ from those that are made anew`)
    this.part = part
  }
}

/**
 * Makes everything anew, from the same inputs and with nothing remembered, and compares it with what was built step by step.
 *
 * @throws StaleResource where the bytes of a resource differ, StaleBuild where anything else does
 */
export function verifyBuilt(input: BuildInput, built: Built): void {
  const anew = atOnce(buildSteps(input, new BuildMemo()))
  requireEqualResources(anew.publication, built.publication)
  requireSame('clients', anew.publication.clients, built.publication.clients)
  for (const part of ['catalog', 'offsets', 'mesh', 'problems', 'nextChange'] as const) {
    requireSame(part, anew[part], built[part])
  }
}

function requireSame(part: string, anew: unknown, given: unknown): void {
  if (!Object.is(share(given, anew), given)) throw new StaleBuild(part)
}
