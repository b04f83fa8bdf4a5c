import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import type { Task } from '../common/tasks.js'
import type { IdentityStore, Membership } from './identity/store.js'
import type { HostFacts } from './reports.js'

/** The answer to whose identity calls by name carry, with what has to be kept of it. */
export interface CallerDecision {
  /** The service; undefined: the host's own identity. */
  readonly caller: string | undefined
  /** What to keep, when it was decided just now; the empty text stands for the host's own identity. */
  readonly decided?: string
}

/**
 * Decides whose identity calls by name carry: the setting `names.as`; else what was decided before; else the only
 * service of the host; a host that has several services when this is first asked calls as itself. A host without
 * services decides nothing yet.
 *
 * @param kept what was decided before; the empty text is the host's own identity
 */
export function decideCaller(
  setting: string | undefined,
  kept: string | undefined,
  services: readonly string[],
): CallerDecision {
  if (setting !== undefined) return { caller: setting }
  if (kept !== undefined) return { caller: kept === '' ? undefined : kept }
  const [first, ...more] = services
  if (first === undefined) return { caller: undefined }
  return more.length === 0 ? { caller: first, decided: first } : { caller: undefined, decided: '' }
}

/**
 * Decides as soon as the host's services are known, keeps the decision, and publishes it among the host's facts. A disk
 * that refuses is told; the decision then holds until a restart.
 *
 * @param setting `names.as`
 */
export function settleCaller(
  setting: string | undefined,
  membership: Membership,
  services: Latest<readonly { readonly service: string }[]>,
  facts: Latest<HostFacts>,
  store: IdentityStore,
  log: Log,
): Task {
  return async (signal) => {
    let kept = membership.caller
    for await (const files of services.values(signal)) {
      const { caller, decided } = decideCaller(setting, kept, [...new Set(files.map(({ service }) => service))])
      if (caller !== facts.value.caller) facts.set({ ...facts.value, caller })
      if (decided === undefined) continue
      kept = decided
      try {
        await store.writeMembership({ ...membership, caller: decided })
      } catch (error) {
        log.error('whose identity calls by name carry cannot be kept; it may change with a restart', { error })
      }
    }
  }
}
