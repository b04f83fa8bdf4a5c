import { holdDirectory } from '../common/hold-directory.js'
import type { Log } from '../common/log.js'
import { createNotifier, type Notifier } from '../common/notify.js'
import { VERSION } from '../common/version.js'
import { assemble, IdentityLost } from './assemble.js'
import { EnvoyNotFound, EnvoyTooOld, EnvoyUnusable, type FoundEnvoy, findEnvoy } from './envoy/find.js'
import { formatEnvoyVersion } from './envoy/version.js'
import { newHostFacts, waitForAddress } from './facts.js'
import { IdentityStore } from './identity/store.js'
import { waitForMembership } from './membership.js'
import { runUntilLeft } from './run-until-left.js'
import type { AgentSettings } from './settings-schema.js'

/** What an agent is started with. */
export interface AgentOptions {
  readonly settings: AgentSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** Whether an error is one that only a person can mend: starting again would end the same way. */
export function needsPerson(error: unknown): boolean {
  return [EnvoyNotFound, EnvoyUnusable, EnvoyTooOld, IdentityLost].some((kind) => error instanceof kind)
}

/**
 * Runs the agent of one host until the signal aborts, and then lets the host leave in order.
 *
 * @throws DirectoryHeld where another agent has one of its directories
 * @throws EnvoyNotFound, EnvoyTooOld, IdentityLost: what a person has to mend first
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { settings, environment, log } = options
  const release = await holdOwnDirectories(settings)
  try {
    const notifier = createNotifier(environment['NOTIFY_SOCKET'], log)
    const found = await findEnvoy(
      { configured: settings.envoy.path, environment, anyVersion: settings.envoy.anyVersion },
      signal,
    )
    if (found.warning !== undefined) log.warn(found.warning)
    await runJoined(options, found, notifier, signal)
  } finally {
    release()
  }
}

/** All that two agents would take from each other: sockets, Envoy, identity. In this order, so that two never hold a part each. */
async function holdOwnDirectories({
  stateDirectory,
  runDirectory,
  envoyRunDirectory,
}: AgentSettings): Promise<() => void> {
  const held: (() => void)[] = []
  const release = () => {
    for (const one of held) one()
  }
  try {
    held.push(await holdDirectory('agent', stateDirectory))
    for (const directory of new Set([runDirectory, envoyRunDirectory])) {
      if (directory !== stateDirectory) held.push(await holdDirectory('agent', directory, 0o750))
    }
    return release
  } catch (error) {
    release()
    throw error
  }
}

async function runJoined(
  options: AgentOptions,
  found: FoundEnvoy,
  notifier: Notifier,
  signal: AbortSignal,
): Promise<void> {
  const { settings, log } = options
  const store = new IdentityStore(settings.stateDirectory)
  const membership = await waitForMembership(store, settings.host, notifier, log, signal)
  if (membership === undefined) return
  const address = await waitForAddress(settings.address, notifier, log, signal)
  if (address === undefined) return
  const facts = newHostFacts(address, formatEnvoyVersion(found.version))
  const parts = await assemble({ ...options, membership, store, facts, envoyPath: found.path })
  const relaying = await parts.relay.listen()
  notifier.ready('the xDS socket is bound')
  log.info('agent runs', { host: membership.host, envoy: formatEnvoyVersion(found.version), version: VERSION })
  await runUntilLeft([relaying, ...parts.tasks], parts.leave, signal)
}
