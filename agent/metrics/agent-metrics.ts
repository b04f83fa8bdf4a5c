import type { Latest } from '../../common/latest.js'
import { byLabel, countBy, type MetricsRegistry, type Sample } from '../../common/metrics/registry.js'
import { typeName } from '../../common/metrics/xds.js'
import type { Problem } from '../../common/problem.js'
import { formatSocketAddress } from '../../common/socket-address.js'
import type { Links } from '../control-plane/links.js'
import type { EnvoyState } from '../envoy/launcher.js'
import type { Credentials } from '../identity/certificates.js'
import type { RelayStatus } from '../relay/relay.js'
import type { Followed } from '../relay/upstream.js'
import type { ServiceHealths } from '../service-checks.js'
import { instanceKey, type ServiceFile } from '../service-file.js'

/** What the metrics of an agent are read from. */
export interface AgentReadings {
  readonly links: Links
  readonly followed: Latest<Followed>
  /** When the last-good cache was written, wall-clock milliseconds; undefined: there is none. */
  readonly cachedAt: Latest<number | undefined>
  readonly envoy: Latest<EnvoyState>
  readonly envoyVersion: string
  readonly relay: Latest<RelayStatus>
  readonly credentials: Latest<Credentials>
  readonly services: Latest<readonly ServiceFile[]>
  readonly problems: Latest<readonly Problem[]>
  readonly healths: Latest<ServiceHealths>
}

const ENVOY_STATES = ['starting', 'ready', 'crashed', 'stopped'] as const

/** Everything that an agent tells of its host beside what it counts. */
export function addAgentMetrics(metrics: MetricsRegistry, readings: AgentReadings): void {
  addControlPlaneMetrics(metrics, readings)
  addEnvoyMetrics(metrics, readings)
  addCertificateMetrics(metrics, readings.credentials)
  addServiceMetrics(metrics, readings)
}

function addControlPlaneMetrics(metrics: MetricsRegistry, { links, followed, cachedAt }: AgentReadings): void {
  const perControlPlane = (read: (link: ReturnType<Links['states']>[number]) => number): readonly Sample[] =>
    byLabel(
      'control_plane',
      links.states().map((link) => [formatSocketAddress(link.address), read(link)]),
    )
  metrics.gauge(
    {
      name: 'mesh_agent_session_connected',
      help: 'Whether there is a session with a control plane: 1 or 0.',
      labels: ['control_plane'],
    },
    () => perControlPlane(({ state }) => (state.state === 'connected' ? 1 : 0)),
  )
  metrics.gauge(
    {
      name: 'mesh_agent_session_changed_timestamp_seconds',
      help: 'Since when there is a session with a control plane, or none.',
      labels: ['control_plane'],
    },
    () => perControlPlane(({ state }) => state.since / 1000),
  )
  metrics.gauge(
    {
      name: 'mesh_agent_config_in_step',
      help: 'Whether the host has all that a control plane has for it: 1, or 0 while it lives by what it had.',
    },
    () => (followed.value.inStep ? 1 : 0),
  )
  metrics.gauge(
    {
      name: 'mesh_agent_config_in_step_timestamp_seconds',
      help: 'When the host was last in step with a control plane: now while it is; absent before the first time.',
    },
    () => (followed.value.inStep ? Date.now() / 1000 : toSeconds(followed.value.lastInStep)),
  )
  metrics.gauge(
    {
      name: 'mesh_agent_cache_timestamp_seconds',
      help: 'When the last good configuration was written to disk; absent without one.',
    },
    () => toSeconds(cachedAt.value),
  )
}

function addEnvoyMetrics(metrics: MetricsRegistry, { envoy, envoyVersion, relay }: AgentReadings): void {
  metrics.gauge(
    { name: 'mesh_agent_envoy_info', help: 'Always 1; the label tells which Envoy was found.', labels: ['version'] },
    () => [{ labels: { version: envoyVersion }, value: 1 }],
  )
  metrics.gauge(
    { name: 'mesh_agent_envoy_state', help: 'The state of Envoy: 1 for the one that it has.', labels: ['state'] },
    () =>
      byLabel(
        'state',
        ENVOY_STATES.map((state) => [state, state === envoy.value.state ? 1 : 0]),
      ),
  )
  metrics.counted(
    { name: 'mesh_agent_envoy_restarts_total', help: 'How often Envoy ended by itself since the agent started.' },
    () => envoy.value.restarts,
  )
  metrics.gauge(
    { name: 'mesh_agent_subscribed_resources', help: 'xDS resources that Envoy subscribes to.' },
    () => relay.value.subscribed,
  )
  metrics.gauge(
    { name: 'mesh_agent_acknowledged_resources', help: 'Those of them that Envoy has acknowledged as they are now.' },
    () => relay.value.acknowledged,
  )
  metrics.gauge(
    {
      name: 'mesh_agent_refused_resources',
      help: 'xDS resources that Envoy refuses now; it is served the version before.',
      labels: ['type'],
    },
    () =>
      byLabel(
        'type',
        countBy(relay.value.refused, ({ type }) => typeName(type)),
      ),
  )
}

function addCertificateMetrics(metrics: MetricsRegistry, credentials: Latest<Credentials>): void {
  metrics.gauge(
    {
      name: 'mesh_agent_certificate_expiry_timestamp_seconds',
      help: 'When certificates of this host end: its own (host) and those of its services.',
      labels: ['subject'],
    },
    () => {
      const { host, services } = credentials.value
      const all = [['host', host] as const, ...[...services].map(([name, pair]) => [`svc/${name}`, pair] as const)]
      return byLabel(
        'subject',
        all.map(([subject, { notAfter }]) => [subject, notAfter / 1000]),
      )
    },
  )
}

function addServiceMetrics(metrics: MetricsRegistry, { services, problems, healths }: AgentReadings): void {
  metrics.gauge(
    {
      name: 'mesh_agent_problems',
      help: 'Problems of the service files of this host; errors are not in effect.',
      labels: ['severity'],
    },
    () =>
      byLabel(
        'severity',
        countBy(problems.value, ({ severity }) => severity, ['error', 'notice']),
      ),
  )
  metrics.gauge(
    {
      name: 'mesh_agent_service_check_passing',
      help: 'What the check of a service of this host says: 1 or 0; absent before its first result.',
      labels: ['service', 'port'],
    },
    () =>
      services.value.flatMap((file) => {
        const health = healths.value.get(instanceKey(file))?.health
        const labels = { service: file.service, port: String(file.ports[0]?.port) }
        return health === undefined ? [] : { labels, value: health === 'passing' ? 1 : 0 }
      }),
  )
}

/** Counts what comes of asking for certificates. */
export function countCertificateRequests(
  metrics: MetricsRegistry,
): (result: 'issued' | 'refused' | 'failed', certificates: number) => void {
  const requests = metrics.counter(
    {
      name: 'mesh_agent_certificate_requests_total',
      help: 'Certificates asked for, first ones and renewals; failed: no control plane answered.',
      labels: ['result'],
    },
    [{ result: 'issued' }, { result: 'refused' }, { result: 'failed' }],
  )
  return (result, certificates) => requests.add(certificates, { result })
}

function toSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}
