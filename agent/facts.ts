import { randomUUID } from 'node:crypto'
import { Latest } from '../common/latest.js'
import { delay, type Task } from '../common/tasks.js'
import { readFirstPortToBind } from './names/low-ports.js'
import { readOccupiedPorts } from './names/occupied-ports.js'
import { ownAddress } from './own-address.js'
import type { HostFacts } from './reports.js'
import type { ServiceFile } from './service-file.js'
import type { AgentSettings } from './settings-schema.js'

/** How often the listeners of other programs are looked at, milliseconds. */
const LOOK_MS = 30_000

/** The host has no address that the agent could find out. */
export class NoAddress extends Error {
  constructor() {
    super('this host has no default route, so its address is not known; set `address` in agent.yaml')
  }
}

/**
 * Finds out what the agent tells of its host beside its settings.
 *
 * @throws NoAddress where `address` is not set and there is no default route
 */
export async function readHostFacts(settings: AgentSettings, envoyVersion: string): Promise<Latest<HostFacts>> {
  const address = settings.address ?? (await ownAddress())
  if (address === undefined) throw new NoAddress()
  return new Latest<HostFacts>({
    address,
    envoyVersion,
    sessionId: randomUUID(),
    occupiedPorts: [],
    caller: undefined,
    namesProblem: undefined,
  })
}

/**
 * Keeps up to date which ports name listeners must leave alone: those on which the host's own services or any wildcard
 * listener are (a listener of Envoy there would keep the application from starting), and those that Envoy may not bind.
 */
export function watchOccupiedPorts(facts: Latest<HostFacts>, services: Latest<readonly ServiceFile[]>): Task {
  return async (signal) => {
    const unprivileged = await readFirstPortToBind()
    const low = Array.from({ length: Math.max(0, unprivileged - 1) }, (_, index) => index + 1)
    while (!signal.aborted) {
      const wildcard = await readOccupiedPorts()
      const own = services.value.flatMap(({ ports }) => ports.map(({ port }) => port))
      const occupiedPorts = [...new Set([...low, ...wildcard, ...own])].sort((a, b) => a - b)
      if (occupiedPorts.join() !== facts.value.occupiedPorts.join()) facts.set({ ...facts.value, occupiedPorts })
      const wake = new AbortController()
      const unsubscribe = services.subscribe(() => wake.abort())
      await delay(LOOK_MS, signal, wake.signal)
      unsubscribe()
    }
  }
}
