import { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { processMetrics } from '../common/metrics/process.js'
import { serveMetrics } from '../common/metrics/serve.js'
import { observeXds } from '../common/metrics/xds.js'
import { createNotifier } from '../common/notify.js'
import { formatSocketAddress, type SocketAddress } from '../common/socket-address.js'
import { runTasks, type Task } from '../common/tasks.js'
import { VERSION } from '../common/version.js'
import type { AdsCall } from '../common/xds/grpc-service.js'
import type { Publication } from '../common/xds/resource.js'
import { XdsServer } from '../common/xds/server.js'
import { adminRoutes } from './admin/routes.js'
import { serveAdminSocket, serveStatusPort } from './admin/server.js'
import type { ViewSource } from './admin/views/source.js'
import type { OwnTarget } from './admin/views/targets.js'
import { Issuer } from './api/issuer.js'
import { HostQuestions } from './api/questions.js'
import { ApiServer, type CallerOf } from './api/server.js'
import { addServices, identifyByCertificate } from './api/services.js'
import { welcomes } from './api/welcome.js'
import { refusalOf } from './ca/admission.js'
import type { AuditLog } from './ca/audit.js'
import { loadAuthority } from './ca/authority.js'
import { logAuthorityExpiry, viewAuthorityExpiry } from './ca/authority-expiry.js'
import type { HostRegistry } from './ca/hosts.js'
import { AgentDirectory } from './catalog/agents.js'
import { issueOwnCertificate, renewOwnCertificate } from './certificate.js'
import { type LoadedConfig, openConfig } from './config/watch.js'
import { caDirectory, configDirectories } from './directories.js'
import { addBuildMetrics } from './metrics/build-metrics.js'
import { addAuthorityMetrics, countDecisions } from './metrics/certificate-metrics.js'
import { addConfigMetrics, addMeshMetrics } from './metrics/mesh-metrics.js'
import { Pipeline } from './pipeline.js'
import { isNamed, mayRun } from './policy.js'
import { Quarantine } from './quarantine.js'
import type { ControlPlaneSettings } from './settings-schema.js'
import { keepAgents, openState, restoreAgents } from './state.js'

/** What a control plane is started with. */
export interface ControlPlaneOptions {
  readonly settings: ControlPlaneSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/**
 * Runs a control plane until the signal aborts. Nothing is served before every source has been read once, or its last
 * good state.
 *
 * @throws AuthorityError, StateFileError: what a person has to mend first
 */
export async function runControlPlane(options: ControlPlaneOptions, signal: AbortSignal): Promise<void> {
  const { settings, environment, log } = options
  const notifier = createNotifier(environment['NOTIFY_SOCKET'], log)
  const startedAt = Date.now()
  const authority = await loadAuthority(caDirectory(settings))
  const metrics = processMetrics('controlplane')
  const audit: AuditLog = { ...log, decided: countDecisions(metrics) }
  const state = await openState(settings.state.directory, audit)
  const config = await openConfig(configDirectories(settings), settings.state.directory, log)
  const directory = new AgentDirectory(restoreAgents(state.agents, startedAt))
  const certificate = new Latest(issueOwnCertificate(authority, settings.id, settings.ca.leafTtl, audit))
  const trustBundlePem = new Latest(authority.bundlePem)
  const quarantine = new Quarantine()
  const allows = rightsOf(state.hosts, config.loaded)
  const named = (host: string) => isNamed(config.loaded.value.config.hostPolicies, host)
  const admission = { hosts: state.hosts, authority, named }
  const pipeline = new Pipeline({
    agents: directory.members,
    config: config.loaded,
    enrolments: state.hosts.changes,
    mayRun: allows,
    graces: { lost: settings.discovery.lostGrace, returning: settings.discovery.returnGrace },
    trustBundlePem,
    quarantine,
    offsets: state.offsets,
    trustDomain: settings.trustDomain,
    domain: settings.domain,
    verify: settings.verifyPushes,
    log,
    built: addBuildMetrics(metrics),
  })
  await pipeline.build()
  const publication = new Latest<Publication>(pipeline.state.value.publication)
  pipeline.state.subscribe(() => publication.set(pipeline.state.value.publication))
  const questions = new HostQuestions()
  let callerOf: CallerOf = () => undefined
  const xds: XdsServer<AdsCall> = new XdsServer<AdsCall>(publication, {
    identify: identifyByCertificate(() => callerOf),
    observer: observeXds(metrics),
  })
  const api = new ApiServer(
    {
      listen: settings.listen,
      credentials: certificate.value,
      trustDomain: settings.trustDomain,
      refuseHost: (host, certificate) => refusalOf(host, certificate, admission),
      log,
    },
    (server, finder) => {
      callerOf = finder
      const rights = [config.loaded, state.hosts.changes]
      const { trustDomain, domain } = settings
      const greeting = { controlPlaneId: settings.id, trustDomain, domain, trustBundlePem, mayRun: allows, rights }
      const issuer = new Issuer(authority, state.hosts, settings.ca.leafTtl, audit)
      const { tokens, hosts } = state
      const { recoveryGrace } = settings.ca
      const context = {
        xds,
        issuer,
        tokens,
        hosts,
        directory,
        authority,
        recoveryGrace,
        mayRun: allows,
        questions,
        log: audit,
      }
      addServices(server, finder, { ...context, ...welcomes(greeting) })
    },
  )
  certificate.subscribe(() => api.replaceCredentials(certificate.value))
  config.loaded.subscribe(() => api.reviewHosts())
  directory.records.subscribe(() => quarantine.observe(directory.records.value))
  const bound = await api.listen()
  const source = (): ViewSource => ({
    id: settings.id,
    state: pipeline.state.value,
    records: directory.records.value,
    enrolled: state.hosts.list(),
    streams: xds.statuses(),
    clones: directory.claims.alarms.value,
    quarantined: [...quarantine.changes.value.values()],
  })
  addMeshMetrics(metrics, source)
  addConfigMetrics(metrics, () => {
    const { documents, problems, loadedAt } = config.loaded.value
    return { documents, loadedAt, readAt: config.readAt(), problems: [...problems, ...pipeline.state.value.problems] }
  })
  const { intermediate, root } = authority
  const ends = { intermediate: intermediate.certificate.notAfter, root: root.certificate.notAfter }
  addAuthorityMetrics(metrics, () => ({ own: certificate.value.notAfter, ...ends }), state.tokens)
  const routes = adminRoutes({
    source,
    config: () => config.loaded.value.config,
    self: () => ({
      id: settings.id,
      version: VERSION,
      trustDomain: settings.trustDomain,
      domain: settings.domain,
      startedAt,
      certificateExpiry: certificate.value.notAfter,
      authority: viewAuthorityExpiry(authority, Date.now()),
      config: { ...config.loaded.value, readAt: config.readAt() },
    }),
    tokens: state.tokens,
    hosts: state.hosts,
    controlPlanes: advertised(settings, bound),
    rootFingerprint: authority.rootFingerprint,
    ask: (host, about) => questions.ask(host, about),
    disconnect: (host) => {
      directory.forget(host)
      return api.disconnect(host)
    },
    metrics,
    ownTarget: ownTarget(settings, bound),
  })
  const tasks: Task[] = [
    pipeline.run,
    config.watch,
    keepAgents(state.agents, directory.members, log),
    renewOwnCertificate(authority, settings.id, settings.ca.leafTtl, certificate, audit),
    logAuthorityExpiry(authority, log),
    serveAdminSocket(settings.admin.socket, routes, log),
    closeWhenAborted(xds, api),
  ]
  if (settings.admin.http !== 'off') tasks.push(serveStatusPort(settings.admin.http, routes, log))
  if (settings.metrics !== undefined) tasks.push(serveMetrics(settings.metrics, metrics, log))
  notifier.ready(`serves ${formatSocketAddress(bound)}`)
  log.info('control plane runs', { id: settings.id, listen: formatSocketAddress(bound), version: VERSION })
  await runTasks(signal, tasks)
  await notifier.flush()
}

/** A host that joined at another control plane has what a host-policy gives it, and who is kept out has nothing. */
function rightsOf(hosts: HostRegistry, loaded: Latest<LoadedConfig>): (host: string, service: string) => boolean {
  return (host, service) =>
    !hosts.isKeptOut(host) &&
    (hosts.allowsService(host, service) || mayRun(loaded.value.config.hostPolicies, host, service))
}

/** The addresses that join tokens carry; a wildcard address is of no use to a host, so it becomes loopback. */
function advertised(settings: ControlPlaneSettings, bound: SocketAddress): readonly SocketAddress[] {
  if (settings.advertise.length > 0) return settings.advertise
  return [bound]
}

/** Where Prometheus reads the metrics of this control plane: for a wildcard address, where agents find it. */
function ownTarget(settings: ControlPlaneSettings, bound: SocketAddress): OwnTarget | undefined {
  const { id, metrics, admin } = settings
  const listens = metrics ?? (admin.http === 'off' ? undefined : admin.http)
  if (listens === undefined) return undefined
  const candidates = [listens, ...advertised(settings, bound)].map(({ address }) => address)
  const address = candidates.find((one) => one !== '0.0.0.0' && one !== '::') ?? '127.0.0.1'
  return { id, address: { address, port: listens.port } }
}

function closeWhenAborted(xds: XdsServer<AdsCall>, api: ApiServer): Task {
  return async (signal) => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    xds.close()
    await api.close()
  }
}
