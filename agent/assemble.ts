import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { processMetrics } from '../common/metrics/process.js'
import type { MetricsRegistry } from '../common/metrics/registry.js'
import { serveMetrics } from '../common/metrics/serve.js'
import { parseSocketAddress, type SocketAddress } from '../common/socket-address.js'
import type { Task } from '../common/tasks.js'
import { VERSION } from '../common/version.js'
import { settleCaller } from './caller.js'
import { watchClock } from './clock.js'
import { Links } from './control-plane/links.js'
import { askEnvoy } from './envoy/ask.js'
import { type HostState, newHostState } from './host-state.js'
import { Certificates, type Credentials, readCredentials } from './identity/certificates.js'
import type { IdentityStore, Membership } from './identity/store.js'
import { leaveInOrder } from './leave.js'
import { addAgentMetrics, countCertificateRequests } from './metrics/agent-metrics.js'
import { keepNamesRule } from './names/redirect.js'
import { watchListeners } from './names/watch-listeners.js'
import { runCache } from './relay/cache.js'
import { openRelay, type RelayParts } from './relay/open.js'
import type { Relay } from './relay/relay.js'
import { retryAddresses } from './relay/retry-addresses.js'
import { followControlPlane } from './relay/upstream.js'
import { type Reporting, reportChanges, reportsOf } from './report-changes.js'
import type { HostFacts } from './reports.js'
import { adminSocketPath, runEnvoy } from './run-envoy.js'
import { runServiceChecks } from './service-checks.js'
import { watchServices } from './services.js'
import type { AgentSettings } from './settings-schema.js'
import { untilSettled } from './settled.js'
import { removeStaleSockets, socketDirectory } from './upstream-sockets.js'

/** What the parts of an agent are made from: a host that has joined, and an Envoy. */
export interface Assembly {
  readonly settings: AgentSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly membership: Membership
  readonly store: IdentityStore
  readonly facts: Latest<HostFacts>
  /** Of the binary that was found. */
  readonly envoyPath: string
  readonly log: Log
}

/** An agent of which nothing runs yet. */
export interface Assembled {
  readonly relay: Relay
  readonly tasks: readonly Task[]
  /** Ends sessions and Envoy in their order; the tasks have to live until it has ended. */
  readonly leave: Task
}

/** The host's certificate is gone although it has joined. */
export class IdentityLost extends Error {
  constructor(directory: string) {
    super(`the host's certificate is missing below ${directory}; evict the host and join it again`)
  }
}

interface Parts {
  readonly state: HostState
  readonly certificates: Certificates
  readonly relaying: RelayParts
  readonly reporting: Reporting
  readonly links: Links
  readonly metrics: MetricsRegistry
}

/**
 * Makes all parts of an agent and ties them together.
 *
 * @throws IdentityLost
 */
export async function assemble(assembly: Assembly): Promise<Assembled> {
  const { settings, store, log } = assembly
  const initial = await readCredentials(store)
  if (initial === undefined) throw new IdentityLost(settings.stateDirectory)
  const state = newHostState(assembly.facts)
  const metrics = processMetrics('agent')
  const certificates = makeCertificates({ assembly, state, initial, metrics, links: () => links })
  const { held } = certificates
  const relaying = await openRelay({ settings, state, held, metrics, log })
  const { allowed: _, ...told } = state
  const reporting = reportsOf({ settings, ...told, relay: relaying.relay.status, credentials: held })
  const links: Links = makeLinks(assembly, state, held, reporting)
  const parts: Parts = { state, certificates, relaying, reporting, links, metrics }
  addMetrics(parts)
  return {
    relay: relaying.relay,
    tasks: [...hostTasks(assembly, parts), ...meshTasks(assembly, parts)],
    leave: leaving(assembly, parts),
  }
}

function makeCertificates(from: {
  readonly assembly: Assembly
  readonly state: HostState
  readonly initial: Credentials
  readonly metrics: MetricsRegistry
  /** The links present the certificates that are asked for through them, so they are made later. */
  readonly links: () => Links
}): Certificates {
  const { assembly, state, initial, metrics, links } = from
  return new Certificates({
    store: assembly.store,
    initial,
    wanted: state.allowed,
    issue: (request) => links().issue(request),
    recover: (request) => links().recover(request),
    log: assembly.log,
    asked: countCertificateRequests(metrics),
  })
}

function makeLinks(
  { settings, membership, log }: Assembly,
  state: HostState,
  held: Latest<Credentials>,
  { reports }: Reporting,
): Links {
  const links = new Links(controlPlanesOf(settings, membership), {
    credentials: () => ({
      host: held.value.host,
      trust: { trustBundlePem: held.value.trustBundlePem, trustDomain: membership.trustDomain },
    }),
    reports,
    answer: askEnvoy(adminSocketPath(settings)),
    log,
  })
  links.current.subscribe(() => state.followed.set(links.current.value?.welcome.controlPlaneId ?? ''))
  links.welcome.subscribe(() => state.allowed.set(links.welcome.value?.allowedServices ?? []))
  return links
}

function addMetrics({ state, certificates, relaying, links, metrics }: Parts): void {
  addAgentMetrics(metrics, {
    ...state,
    links,
    followed: relaying.progress,
    cachedAt: relaying.savedAt,
    envoyVersion: state.facts.value.envoyVersion,
    relay: relaying.relay.status,
    credentials: certificates.held,
  })
}

/** What watches the host and its applications. */
function hostTasks(assembly: Assembly, { state, relaying, metrics }: Parts): readonly Task[] {
  const { settings, membership, store, environment, log } = assembly
  const { facts, services, healths, envoy } = state
  return [
    watchServices(settings, state, log),
    settleCaller(settings.names.as, membership, services, facts, store, log),
    watchListeners(facts, services, inboundOf(settings, facts.value), log),
    keepNamesRule({ ...assembly, envoy }),
    removeStaleSockets(socketDirectory(settings), relaying.upstream.served, relaying.serving, log),
    runServiceChecks(services, settings.applicationAddress, healths, environment, log),
    ...(settings.metrics.agent === 'off' ? [] : [serveMetrics(settings.metrics.agent, metrics, log)]),
  ]
}

/** What goes on between the host and its control planes. */
function meshTasks({ membership, log }: Assembly, parts: Parts): readonly Task[] {
  const { certificates, relaying, reporting, links } = parts
  const { received, whole, path, savedAt, progress, upstream } = relaying
  const node = { id: membership.host, userAgentName: 'hostmesh-agent', userAgentVersion: VERSION }
  return [
    retryAddresses(upstream, log),
    reportChanges(reporting),
    (signal) => certificates.run(signal),
    (signal) => certificates.follow(links.welcome, signal),
    watchClock(links.current, log),
    followControlPlane({ current: links.current, node, store: received, whole, followed: progress, log }),
    (signal) => runCache(path, upstream.served, certificates.held, savedAt, log, signal),
  ]
}

function leaving(assembly: Assembly, { state, relaying, links }: Parts): Task {
  return leaveInOrder({
    leaving: state.leaving,
    sessions: async (signal) => {
      await untilSettled({ ...state, whole: relaying.whole }, signal)
      await links.run(signal)
    },
    envoy: runEnvoy({ ...assembly, host: assembly.membership.host, status: state.envoy, leaving: state.leaving }),
    log: assembly.log,
  })
}

/** Where Envoy takes connections of other hosts. */
function inboundOf({ inbound }: AgentSettings, { address }: HostFacts): SocketAddress {
  return { address: inbound.address ?? address, port: inbound.port }
}

/** Where control planes answer: the settings over-ride the join token. */
function controlPlanesOf(settings: AgentSettings, membership: Membership): readonly SocketAddress[] {
  if (settings.controlPlanes.length > 0) return settings.controlPlanes
  return membership.controlPlanes.flatMap((text) => parseSocketAddress(text) ?? [])
}
