import { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { processMetrics } from '../common/metrics/process.js'
import { serveMetrics } from '../common/metrics/serve.js'
import { observeXds } from '../common/metrics/xds.js'
import { createNotifier, type Notifier } from '../common/notify.js'
import { parseSocketAddress, type SocketAddress } from '../common/socket-address.js'
import type { Task } from '../common/tasks.js'
import { VERSION } from '../common/version.js'
import { runAlone } from './alone.js'
import { settleCaller } from './caller.js'
import { watchClock } from './clock.js'
import type { HostCredentials, Trust } from './control-plane/channel.js'
import { Links } from './control-plane/links.js'

import { askEnvoy } from './envoy/ask.js'
import { EnvoyNotFound, EnvoyTooOld, EnvoyUnusable, type FoundEnvoy, findEnvoy } from './envoy/find.js'

import { notStarted } from './envoy/supervise.js'
import { formatEnvoyVersion } from './envoy/version.js'
import { NoAddress, readHostFacts } from './facts.js'
import { Certificates, readCredentials } from './identity/certificates.js'
import { ownSecrets } from './identity/own-secrets.js'
import { IdentityStore, type Membership } from './identity/store.js'
import type { PlacedService } from './inbound-ports.js'
import { leaveInOrder } from './leave.js'
import { waitForMembership } from './membership.js'
import { addAgentMetrics, countCertificateRequests } from './metrics/agent-metrics.js'
import { keepNamesRule } from './names/redirect.js'
import { watchListeners } from './names/watch-listeners.js'
import { runCache } from './relay/cache.js'
import { HoldBack } from './relay/hold-back.js'
import { Relay } from './relay/relay.js'
import { loadResources } from './relay/resources.js'
import { retryAddresses } from './relay/retry-addresses.js'
import { servingOf } from './relay/serving.js'
import { followControlPlane, NOT_FOLLOWED } from './relay/upstream.js'
import { buildReports, type ReportSources, reportChanges } from './report-changes.js'
import type { HostFacts } from './reports.js'
import { adminSocketPath, runEnvoy, xdsSocketPath } from './run-envoy.js'
import { runUntilLeft } from './run-until-left.js'
import { runServiceChecks } from './service-checks.js'
import { watchServices } from './services.js'
import type { AgentSettings } from './settings-schema.js'
import { untilSettled } from './settled.js'
import { makeServedDirectories, removeStaleSockets, socketDirectory } from './upstream-sockets.js'

/** What an agent is started with. */
export interface AgentOptions {
  readonly settings: AgentSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** The host's certificate is gone although it has joined. */
export class IdentityLost extends Error {
  constructor(directory: string) {
    super(`the host's certificate is missing below ${directory}; evict the host and join it again`)
  }
}

/** Whether an error is one that only a person can mend: starting again would end the same way. */
export function needsPerson(error: unknown): boolean {
  return [EnvoyNotFound, EnvoyUnusable, EnvoyTooOld, NoAddress, IdentityLost].some((kind) => error instanceof kind)
}

/**
 * Runs the agent of one host until the signal aborts, and then lets the host leave in order.
 *
 * @throws AgentRuns where another agent has the run directory
 * @throws EnvoyNotFound, EnvoyTooOld, NoAddress, IdentityLost: what a person has to mend first
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { settings, environment, log } = options
  const notifier = createNotifier(environment['NOTIFY_SOCKET'], log)
  const found = await findEnvoy(
    { configured: settings.envoy.path, environment, anyVersion: settings.envoy.anyVersion },
    signal,
  )
  if (found.warning !== undefined) log.warn(found.warning)
  const release = await runAlone(settings.runDirectory)
  try {
    await runJoined(options, found, notifier, signal)
  } finally {
    release()
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
  const facts = await readHostFacts(settings, formatEnvoyVersion(found.version))
  const parts = await assemble({ ...options, membership, store, facts, envoyPath: found.path })
  const relaying = await parts.relay.listen()
  notifier.ready('the xDS socket is bound')
  log.info('agent runs', { host: membership.host, envoy: formatEnvoyVersion(found.version), version: VERSION })
  await runUntilLeft([relaying, ...parts.tasks], parts.leave, signal)
}

interface Assembly extends AgentOptions {
  readonly membership: Membership
  readonly store: IdentityStore
  readonly facts: Latest<HostFacts>
  /** Of the binary that was found. */
  readonly envoyPath: string
}

/** Makes all parts and ties them together; none of them runs yet. */
async function assemble(assembly: Assembly) {
  const { settings, membership, store, facts, log } = assembly
  const initial = await readCredentials(store)
  if (initial === undefined) throw new IdentityLost(settings.stateDirectory)
  const metrics = processMetrics('agent')
  const services = new Latest<readonly PlacedService[]>([])
  const allowed = new Latest<readonly string[]>([])
  const certificates: Certificates = new Certificates({
    store,
    initial,
    wanted: allowed,
    issue: (r) => links.issue(r),
    recover: (r) => links.recover(r),
    log,
    asked: countCertificateRequests(metrics),
  })
  const { held } = certificates
  const resources = await loadResources(
    settings.stateDirectory,
    facts.value.envoyVersion,
    held.value.trustBundlePem,
    log,
  )
  const { store: received, whole, savedAt } = resources
  const own = ownSecrets(held, facts)
  const upstream = new HoldBack(received.resources)
  await makeServedDirectories(socketDirectory(settings), upstream.served.value, log)
  const envoy = new Latest(notStarted(Date.now()))
  const progress = new Latest(NOT_FOLLOWED)
  const serving = servingOf({ whole, followed: progress, envoy })
  const relay = new Relay({ socket: xdsSocketPath(settings), upstream, own, serving, observer: observeXds(metrics) })
  const healths: ReportSources['healths'] = new Latest(new Map())
  const leaving = new Latest(false)
  const followed = new Latest('')
  const sources = {
    settings,
    facts,
    services,
    healths,
    envoy,
    relay: relay.status,
    credentials: held,
    leaving,
    followed,
  }
  const reports = new Latest(buildReports(sources))
  const credentials = (): { host: HostCredentials; trust: Trust } => ({
    host: held.value.host,
    trust: { trustBundlePem: held.value.trustBundlePem, trustDomain: membership.trustDomain },
  })
  const links = new Links(controlPlanesOf(settings, membership), {
    credentials,
    reports,
    answer: askEnvoy(adminSocketPath(settings)),
    log,
  })
  links.current.subscribe(() => followed.set(links.current.value?.welcome.controlPlaneId ?? ''))
  links.welcome.subscribe(() => allowed.set(links.welcome.value?.allowedServices ?? []))
  const { envoyVersion } = facts.value
  const readings = {
    links,
    followed: progress,
    cachedAt: savedAt,
    envoy,
    envoyVersion,
    relay: relay.status,
    services,
    healths,
  }
  addAgentMetrics(metrics, { ...readings, credentials: held })
  const node = { id: membership.host, userAgentName: 'hostmesh-agent', userAgentVersion: VERSION }
  const tasks: readonly Task[] = [
    watchServices(settings, services, log),
    settleCaller(settings.names.as, membership, services, facts, store),
    watchListeners(facts, services, inboundOf(settings, facts.value), log),
    keepNamesRule({ ...assembly, envoy }),
    retryAddresses(upstream, log),
    removeStaleSockets(socketDirectory(settings), upstream.served, log),
    runServiceChecks(services, settings.applicationAddress, healths, assembly.environment, log),
    reportChanges(sources, reports),
    (signal) => certificates.run(signal),
    (signal) => certificates.follow(links.welcome, signal),
    watchClock(links.current, log),
    followControlPlane({ current: links.current, node, store: received, whole, followed: progress, log }),
    (signal) => runCache(resources.path, upstream.served, () => held.value.trustBundlePem, savedAt, log, signal),
    ...(settings.metrics.agent === 'off' ? [] : [serveMetrics(settings.metrics.agent, metrics, log)]),
  ]
  const leave = leaveInOrder({
    leaving,
    sessions: async (signal) => {
      await untilSettled({ services, healths, facts, envoy, whole }, signal)
      await links.run(signal)
    },
    envoy: runEnvoy({ ...assembly, host: membership.host, status: envoy }),
    log,
  })
  return { relay, tasks, leave }
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
