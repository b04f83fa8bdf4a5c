import type { Client } from '@grpc/grpc-js'
import { backoffDelay } from '../../common/backoff.js'
import { type Latest, waitFor } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import { delay, isAbort, type Task } from '../../common/tasks.js'
import { type Trouble, TroublePace } from '../../common/trouble-pace.js'
import { runDeltaClient } from '../../common/xds/client.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import type { ResourceStore } from '../../common/xds/store.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import type { ConnectedLink } from '../control-plane/links.js'
import { describeLoss } from '../control-plane/loss.js'

/** What the relay fetches: of each type, all that the control plane has for this host. */
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET]

const BACKOFF = { base: 100, max: 5_000 }

/** How the host stands to the configuration of control planes. */
export interface Followed {
  /** Whether a stream lives on which every type has been answered. */
  readonly inStep: boolean
  /** When that was so last, wall-clock milliseconds; undefined: not since the agent started. */
  readonly lastInStep: number | undefined
}

/** What {@link Followed} is before anything was fetched. */
export const NOT_FOLLOWED: Followed = { inStep: false, lastInStep: undefined }

/** What fetching needs of the agent. */
export interface UpstreamOptions {
  /** The control plane to fetch from. */
  readonly current: Latest<ConnectedLink | undefined>
  readonly node: { readonly id: string; readonly userAgentName: string; readonly userAgentVersion: string }
  readonly store: ResourceStore
  /** Becomes true when every type has been answered once. */
  readonly whole: Latest<boolean>
  readonly followed: Latest<Followed>
  readonly log: Log
}

/**
 * Keeps the store equal to what the current control plane has for this host, over one stream after the other. What the
 * store has already is not fetched again, also when the next control plane is another.
 */
export function followControlPlane({ current, node, store, whole, followed, log }: UpstreamOptions): Task {
  const pace = new TroublePace()
  return async (signal) => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      const link = await nextLink(current, signal)
      if (link === undefined) return
      const controlPlane = formatSocketAddress(link.address)
      const onSynced = () => {
        attempt = 1
        if (!whole.value) whole.set(true)
        followed.set({ inStep: true, lastInStep: Date.now() })
        const away = pace.over()
        log.info('configuration is in step with the control plane', {
          controlPlane,
          id: link.welcome.controlPlaneId,
          ...(away && { awaySeconds: Math.round(away.lastedMs / 1000) }),
        })
      }
      const lost = whenReplaced(current, link.client, signal)
      try {
        const open = () => openDeltaCall(link.client)
        await runDeltaClient({ open, node, types: TYPES, store, log, onSynced }, lost.signal)
      } catch (error) {
        const reason = describeLoss(error)
        const trouble = pace.failed(reason)
        if (trouble) log.warn('the configuration stream ended', { controlPlane, error: reason, ...lasting(trouble) })
        endStep(followed)
        await delay(backoffDelay(attempt, BACKOFF), lost.signal)
      } finally {
        endStep(followed)
        lost.release()
      }
    }
  }
}

function lasting({ attempts, lastedMs }: Trouble) {
  return { attempts, since: new Date(Date.now() - lastedMs).toISOString() }
}

function endStep(followed: Latest<Followed>): void {
  if (followed.value.inStep) followed.set({ inStep: false, lastInStep: Date.now() })
}

/** The current control plane once there is one; undefined when the signal aborts. */
async function nextLink(current: Latest<ConnectedLink | undefined>, signal: AbortSignal) {
  try {
    return await waitFor(current, (link) => link !== undefined, signal)
  } catch (error) {
    if (isAbort(error, signal)) return undefined
    throw error
  }
}

/** A signal that aborts with `signal`, and when another connection than this one is the current one. */
function whenReplaced(current: Latest<ConnectedLink | undefined>, client: Client, signal: AbortSignal) {
  const replaced = new AbortController()
  const look = () => {
    if (signal.aborted || current.value?.client !== client) replaced.abort()
  }
  const unsubscribe = current.subscribe(look)
  signal.addEventListener('abort', look)
  look()
  const release = () => {
    unsubscribe()
    signal.removeEventListener('abort', look)
  }
  return { signal: replaced.signal, release }
}
