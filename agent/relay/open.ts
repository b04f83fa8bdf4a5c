import { Latest } from '../../common/latest.js'
import type { Log } from '../../common/log.js'
import type { MetricsRegistry } from '../../common/metrics/registry.js'
import { observeXds } from '../../common/metrics/xds.js'
import type { HostState } from '../host-state.js'
import type { Credentials } from '../identity/certificates.js'
import { ownSecrets } from '../identity/own-secrets.js'
import { xdsSocketPath } from '../run-envoy.js'
import type { AgentSettings } from '../settings-schema.js'
import { makeServedDirectories, socketDirectory } from '../upstream-sockets.js'
import { HoldBack } from './hold-back.js'
import { Relay } from './relay.js'
import { loadResources, type RelayResources } from './resources.js'
import { servingOf } from './serving.js'
import { type Followed, NOT_FOLLOWED } from './upstream.js'

/** The relay with what lies between it and the control plane. */
export interface RelayParts extends RelayResources {
  /** How far the control plane is followed. */
  readonly progress: Latest<Followed>
  /** What the relay serves of what was received. */
  readonly upstream: HoldBack
  /** Whether Envoy is answered yet. */
  readonly serving: Latest<boolean>
  readonly relay: Relay
}

/** What the relay needs of the agent. */
export interface RelayOptions {
  readonly settings: AgentSettings
  readonly state: HostState
  readonly held: Latest<Credentials>
  readonly metrics: MetricsRegistry
  readonly log: Log
}

/** Makes the relay, with what an earlier run kept on disk; it does not listen yet. */
export async function openRelay({ settings, state, held, metrics, log }: RelayOptions): Promise<RelayParts> {
  const { facts, envoy } = state
  const { trustBundlePem } = held.value
  const resources = await loadResources(settings.stateDirectory, facts.value.envoyVersion, trustBundlePem, log)
  const upstream = new HoldBack(resources.received.resources)
  await makeServedDirectories(socketDirectory(settings), upstream.served.value, log)
  const progress = new Latest(NOT_FOLLOWED)
  const serving = servingOf({ whole: resources.whole, followed: progress, envoy })
  const relay = new Relay({
    socket: xdsSocketPath(settings),
    upstream,
    own: ownSecrets(held, facts),
    serving,
    observer: observeXds(metrics),
  })
  return { ...resources, progress, upstream, serving, relay }
}
