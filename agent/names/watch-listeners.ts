import { isDeepStrictEqual } from 'node:util'
import type { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { delay, type Rest, restAfter, type Task } from '../../common/tasks.js'
import type { HostFacts } from '../reports.js'
import type { ServiceFile } from '../service-file.js'
import { type Listener, onAllAddresses, onLoopback, readListeners } from './listeners.js'
import { readFirstPortToBind } from './low-ports.js'
import { findSocketOwners } from './socket-owners.js'

/**
 * How long between two looks at the listeners of other programs, milliseconds. On a host with very many of them a look takes
 * long, and looks are at most a hundredth of the time.
 */
const REST: Rest = { least: 5_000, most: 60_000, times: 100 }

/** What the agent knows of the listeners of its host's programs. */
export type ListenerFacts = Pick<HostFacts, 'occupiedPorts' | 'portHolders' | 'exposed'>

/** Nothing was looked at yet. */
export const NO_LISTENERS: ListenerFacts = { occupiedPorts: [], portHolders: [], exposed: [] }

/**
 * Keeps up to date which ports name listeners must leave alone: those on which the host's own services or any wildcard
 * listener are (a listener of Envoy there would keep the application from starting), and those that Envoy may not bind. And
 * where services of the host can be reached around the mesh.
 */
export function watchListeners(
  facts: Latest<HostFacts>,
  services: Latest<readonly ServiceFile[]>,
  inbound: SocketAddress,
  log: Log,
): Task {
  return async (signal) => {
    const firstPort = await readFirstPortToBind()
    const owners = new SocketOwners()
    while (!signal.aborted) {
      const began = performance.now()
      try {
        const listeners = await readListeners()
        const servicePorts = services.value.flatMap((service) => service.ports.map(({ port }) => port))
        const known = await owners.of(listeners.filter(onAllAddresses))
        report(facts, judgeListeners(listeners, { servicePorts, inbound, firstPort, owners: known }), log)
      } catch (error) {
        // As when no file descriptor is left: what was seen last holds until it can be looked at again.
        log.warn('the listeners of this host cannot be read', { error })
      }
      const wake = new AbortController()
      const unsubscribe = services.subscribe(() => wake.abort())
      await delay(restAfter(performance.now() - began, REST), signal, wake.signal)
      unsubscribe()
    }
  }
}

/** By what listeners are judged. */
export interface ListenerContext {
  /** Of the host's own services. */
  readonly servicePorts: readonly number[]
  /** Where Envoy takes connections of other hosts. */
  readonly inbound: SocketAddress
  /** Ports below cannot be bound. */
  readonly firstPort: number
  /** Processes by inode, as far as they are known. */
  readonly owners: ReadonlyMap<string, string>
}

/** What the listeners of a host mean for the mesh. */
export function judgeListeners(listeners: readonly Listener[], context: ListenerContext): ListenerFacts {
  const { servicePorts, inbound, firstPort, owners } = context
  const low = Array.from({ length: Math.max(0, firstPort - 1) }, (_, index) => index + 1)
  const wildcard = listeners.filter(onAllAddresses)
  const holders = new Map(wildcard.map(({ port, inode }) => [port, owners.get(inode) ?? '']))
  const exposed = listeners.filter(
    (one) => servicePorts.includes(one.port) && !onLoopback(one) && !isSame(one, inbound),
  )
  const addresses = new Set(exposed.map(formatSocketAddress))
  return {
    occupiedPorts: [...new Set([...low, ...holders.keys(), ...servicePorts])].sort((a, b) => a - b),
    portHolders: [...holders].map(([port, process]) => ({ port, process })).sort((a, b) => a.port - b.port),
    exposed: exposed
      .filter((one) => addresses.delete(formatSocketAddress(one)))
      .map(({ address, port }) => ({ address, port })),
  }
}

function isSame(a: SocketAddress, b: SocketAddress): boolean {
  return a.address === b.address && a.port === b.port
}

function report(facts: Latest<HostFacts>, found: ListenerFacts, log: Log): void {
  const { occupiedPorts, portHolders, exposed } = facts.value
  const before: ListenerFacts = { occupiedPorts, portHolders, exposed }
  if (isDeepStrictEqual(before, found)) return
  if (!isDeepStrictEqual(before.portHolders, found.portHolders)) {
    log.info('programs listen on these ports of all addresses', { ports: found.portHolders })
  }
  const known = new Set(exposed.map(formatSocketAddress))
  for (const one of found.exposed.map(formatSocketAddress)) {
    if (!known.has(one)) log.warn('a service can be reached around the mesh, in plain text', { listens: one })
  }
  facts.set({ ...facts.value, ...found })
}

/** Remembers whose sockets are whose, so that processes are looked through only for a socket that is new. */
class SocketOwners {
  #known: ReadonlyMap<string, string> = new Map()

  async of(listeners: readonly Listener[]): Promise<ReadonlyMap<string, string>> {
    const fresh = listeners.map(({ inode }) => inode).filter((inode) => !this.#known.has(inode))
    const found = await findSocketOwners(new Set(fresh))
    this.#known = new Map(listeners.map(({ inode }) => [inode, found.get(inode) ?? this.#known.get(inode) ?? '']))
    return this.#known
  }
}
