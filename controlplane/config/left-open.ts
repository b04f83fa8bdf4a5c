import type { Unheeded } from '../../common/config/document-reader.js'
import type { Location } from '../../common/problem.js'

/** A start that would leave open what a document closes. */
export class LeftOpenError extends Error {
  override readonly name = 'LeftOpenError'
  readonly location: Location

  constructor(location: Location) {
    const place = `${location.file}:${location.line}`
    super(`${place}: the authorization document is not understood, and no earlier version of it is known`)
    this.location = location
  }
}

/**
 * Refuses a start that would open a service without anybody having said so: beside an authorization document that is
 * not valid and has nothing to stand in for it. That is one of the first start of a control plane, or one that was in
 * effect and that this version does not understand, as after a step back to an older one.
 *
 * One that became invalid while the control plane ran has its last good version; one that was never valid closes
 * nothing, before a restart and after it.
 *
 * @param begins whether nothing is known of what was in effect before
 * @throws {LeftOpenError}
 */
export function refuseToLeaveOpen(unheeded: readonly Unheeded[], begins: boolean): void {
  const found = unheeded.find(({ text, wasInEffect }) => (begins || wasInEffect) && AUTHORIZATION.test(text))
  if (found !== undefined) throw new LeftOpenError(found.location)
}

/** Also in a file whose YAML is broken. */
const AUTHORIZATION = /\bkind["']?\s*:\s*["']?authori[sz]ation/i
