import { randomUUID } from 'node:crypto'
import { Latest } from '../common/latest.js'
import { ownAddress } from '../common/own-address.js'
import { NO_LISTENERS } from './names/watch-listeners.js'
import type { HostFacts } from './reports.js'
import type { AgentSettings } from './settings-schema.js'

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
    ...NO_LISTENERS,
    caller: undefined,
    namesProblem: undefined,
  })
}
