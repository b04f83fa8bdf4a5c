import { backoffDelay } from '../../common/backoff.js'
import type { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import { delay, type Task } from '../../common/tasks.js'
import { runDeltaClient } from '../../common/xds/client.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import type { ResourceStore } from '../../common/xds/store.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import type { Link } from '../control-plane/link.js'

/** What the relay fetches: of each type, all that the control plane has for this host. */
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET]

const BACKOFF = { base: 100, max: 5_000 }

/** What fetching needs of the agent. */
export interface UpstreamOptions {
  /** In the order in which control planes are preferred. */
  readonly links: readonly Link[]
  readonly node: { readonly id: string; readonly userAgentName: string; readonly userAgentVersion: string }
  readonly store: ResourceStore
  /** Becomes true when every type has been answered once. */
  readonly whole: Latest<boolean>
  readonly log: Log
}

/**
 * Keeps the store equal to what one control plane has for this host: the first of those with a session, until its stream
 * ends; then whichever is connected by then. What the store has already is not fetched again.
 */
export function followControlPlane({ links, node, store, whole, log }: UpstreamOptions): Task {
  return async (signal) => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      const link = await connectedLink(links, signal)
      if (link?.state.value.state !== 'connected') continue
      const { client } = link.state.value
      const onSynced = () => {
        attempt = 1
        if (!whole.value) whole.set(true)
        log.info('configuration is in step with the control plane', { controlPlane: formatSocketAddress(link.address) })
      }
      try {
        await runDeltaClient({ open: () => openDeltaCall(client), node, types: TYPES, store, log, onSynced }, signal)
      } catch (error) {
        log.warn('the configuration stream ended', { controlPlane: formatSocketAddress(link.address), error })
        await delay(backoffDelay(attempt, BACKOFF), signal)
      }
    }
  }
}

/** Waits until a control plane has a session, and prefers the first in the list; undefined when the signal aborts. */
function connectedLink(links: readonly Link[], signal: AbortSignal): Promise<Link | undefined> {
  return new Promise((resolve) => {
    const unsubscribes: (() => void)[] = []
    const look = () => {
      const link = links.find(({ state }) => state.value.state === 'connected')
      if (link === undefined && !signal.aborted) return
      for (const unsubscribe of unsubscribes) unsubscribe()
      signal.removeEventListener('abort', look)
      resolve(link)
    }
    unsubscribes.push(...links.map(({ state }) => state.subscribe(look)))
    signal.addEventListener('abort', look)
    look()
  })
}
