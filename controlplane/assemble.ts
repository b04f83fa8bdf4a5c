import { Latest, subscribeByTurns } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { processMetrics } from '../common/metrics/process.js'
import type { MetricsRegistry } from '../common/metrics/registry.js'
import { observeXds } from '../common/metrics/xds.js'
import type { AdsCall } from '../common/xds/grpc-service.js'
import type { Publication } from '../common/xds/resource.js'
import { XdsServer } from '../common/xds/server.js'
import { Issuer } from './api/issuer.js'
import { HostQuestions } from './api/questions.js'
import { ApiServer, type CallerOf } from './api/server.js'
import { type ApiContext, addServices, identifyByCertificate } from './api/services.js'
import { welcomes } from './api/welcome.js'
import { refusalOf } from './ca/admission.js'
import type { AuditLog } from './ca/audit.js'
import { type Authority, loadAuthority } from './ca/authority.js'
import type { HostRegistry } from './ca/hosts.js'
import { refuseForeign } from './ca/owner.js'
import { AgentDirectory } from './catalog/agents.js'
import { issueOwnCertificate, type OwnCertificate } from './certificate.js'
import { type LoadedConfig, type OpenConfig, openConfig } from './config/watch.js'
import { caDirectory, configDirectories } from './directories.js'
import { restoreAgents, restoreLeft } from './kept-agents.js'
import { addBuildMetrics } from './metrics/build-metrics.js'
import { countDecisions } from './metrics/certificate-metrics.js'
import { Pipeline } from './pipeline.js'
import { isNamed, mayRun } from './policy.js'
import { Quarantine } from './quarantine.js'
import type { ControlPlaneSettings } from './settings-schema.js'
import { type ControlPlaneState, openState } from './state.js'

/** What a control plane is made of before anything is built or served. */
export interface Foundations {
  readonly settings: ControlPlaneSettings
  /** Wall-clock milliseconds. */
  readonly startedAt: number
  readonly authority: Authority
  readonly certificate: Latest<OwnCertificate>
  readonly trustBundlePem: Latest<string>
  readonly state: ControlPlaneState
  readonly config: OpenConfig
  readonly directory: AgentDirectory
  readonly quarantine: Quarantine
  /** Whether a host may run a service, by its enrolment or a host-policy. */
  readonly allows: (host: string, service: string) => boolean
  readonly questions: HostQuestions
  readonly metrics: MetricsRegistry
  /** A log that also counts what was decided. */
  readonly audit: AuditLog
  readonly log: Log
}

/** A control plane of which nothing runs yet. */
export interface ControlPlane extends Foundations {
  readonly pipeline: Pipeline
  readonly xds: XdsServer<AdsCall>
  readonly api: ApiServer
}

/**
 * Reads every source once, or its last good state, builds the first mesh, and makes all parts.
 *
 * @throws AuthorityError, StateFileError, LeftOpenError: what a person has to mend first
 */
export async function assemble(settings: ControlPlaneSettings, log: Log): Promise<ControlPlane> {
  const foundations = await openFoundations(settings, log)
  let fanOutMs = () => 0
  const pipeline = makePipeline(foundations, () => fanOutMs())
  await pipeline.build()
  const servers = makeServers(foundations, pipeline)
  fanOutMs = () => servers.xds.fanOutMs
  return { ...foundations, pipeline, ...servers }
}

async function openFoundations(settings: ControlPlaneSettings, log: Log): Promise<Foundations> {
  const startedAt = Date.now()
  const authority = await loadAuthority(caDirectory(settings))
  refuseForeign(authority, settings, caDirectory(settings))
  const metrics = processMetrics('controlplane')
  const audit: AuditLog = { ...log, decided: countDecisions(metrics) }
  const state = await openState(settings.state.directory, audit)
  const config = await openConfig(configDirectories(settings), settings.state.directory, log)
  return {
    settings,
    startedAt,
    authority,
    certificate: new Latest(issueOwnCertificate(authority, settings.id, settings.ca.leafTtl, audit)),
    trustBundlePem: new Latest(authority.bundlePem),
    state,
    config,
    directory: new AgentDirectory(restoreAgents(state.agents, startedAt), Date.now, restoreLeft(state.agents)),
    quarantine: new Quarantine(),
    allows: rightsOf(state.hosts, config.loaded),
    questions: new HostQuestions(),
    metrics,
    audit,
    log,
  }
}

/** A host that joined at another control plane has what a host-policy gives it, and who is kept out has nothing. */
function rightsOf(hosts: HostRegistry, loaded: Latest<LoadedConfig>): (host: string, service: string) => boolean {
  return (host, service) =>
    !hosts.isKeptOut(host) &&
    (hosts.allowsService(host, service) || mayRun(loaded.value.config.hostPolicies, host, service))
}

function makePipeline(foundations: Foundations, fanOutMs: () => number): Pipeline {
  const { settings, directory, config, state, allows, trustBundlePem, quarantine, metrics, log } = foundations
  subscribeByTurns(directory.records, () => quarantine.observe(directory.records.value))
  return new Pipeline({
    agents: directory.members,
    config: config.loaded,
    enrolments: state.hosts.rights,
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
    fanOutMs,
  })
}

/** The API on its port and the xDS server behind it, which learns from it who calls. */
function makeServers(foundations: Foundations, pipeline: Pipeline): Pick<ControlPlane, 'xds' | 'api'> {
  const { settings, certificate, config, metrics, log } = foundations
  const publication = new Latest<Publication>(pipeline.state.value.publication)
  pipeline.state.subscribe(() => publication.set(pipeline.state.value.publication))
  let callerOf: CallerOf = () => undefined
  const xds: XdsServer<AdsCall> = new XdsServer<AdsCall>(publication, {
    identify: identifyByCertificate(() => callerOf),
    observer: observeXds(metrics),
  })
  const { listen, trustDomain } = settings
  const api = new ApiServer(
    { listen, credentials: certificate.value, trustDomain, refuseHost: hostRefusal(foundations), log },
    (server, finder) => {
      callerOf = finder
      addServices(server, finder, apiContext(foundations, xds))
    },
  )
  certificate.subscribe(() => api.replaceCredentials(certificate.value))
  config.loaded.subscribe(() => api.reviewHosts())
  return { xds, api }
}

function hostRefusal({ state, authority, config }: Foundations): ApiServerRefusal {
  const named = (host: string) => isNamed(config.loaded.value.config.hostPolicies, host)
  const admission = { hosts: state.hosts, authority, named }
  return (host, certificate) => refusalOf(host, certificate, admission)
}

type ApiServerRefusal = ConstructorParameters<typeof ApiServer>[0]['refuseHost']

function apiContext(foundations: Foundations, xds: XdsServer<AdsCall>): ApiContext {
  const { settings, authority, state, config, directory, questions, allows, trustBundlePem, audit } = foundations
  const { tokens, hosts } = state
  const { id: controlPlaneId, trustDomain, domain, ca } = settings
  const rights = [config.loaded, hosts.rights]
  return {
    xds,
    issuer: new Issuer(authority, hosts, ca.leafTtl, audit),
    tokens,
    hosts,
    directory,
    authority,
    recoveryGrace: ca.recoveryGrace,
    mayRun: allows,
    questions,
    log: audit,
    ...welcomes({ controlPlaneId, trustDomain, domain, trustBundlePem, mayRun: allows, rights }),
  }
}
