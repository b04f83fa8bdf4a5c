import { Latest } from '../../common/latest.js'
import type { EnvoyState } from '../envoy/launcher.js'
import type { Followed } from './upstream.js'

/** What decides whether Envoy is answered. */
export interface ServingParts {
  /** Whether what the relay has is whole: from disk, or every type has been answered. */
  readonly whole: Latest<boolean>
  readonly followed: Latest<Followed>
  readonly envoy: Latest<EnvoyState>
}

/**
 * Whether the relay answers Envoy: once a control plane has answered, or before that from what is on disk to an Envoy
 * that this agent has started. An Envoy that outlived an agent that was killed can have newer resources than the disk:
 * it would be told that they are no more, and fail its requests. So it keeps what it has until a control plane answers.
 *
 * @returns true from then on: it never becomes false again
 */
export function servingOf({ whole, followed, envoy }: ServingParts): Latest<boolean> {
  const serving = new Latest(false)
  const look = () => {
    const answered = followed.value.lastInStep !== undefined
    const { pid, adopted } = envoy.value
    const started = pid !== undefined && adopted !== true
    if (!serving.value && (answered || (whole.value && started))) serving.set(true)
  }
  for (const source of [whole, followed, envoy] as readonly Latest<unknown>[]) source.subscribe(look)
  look()
  return serving
}
