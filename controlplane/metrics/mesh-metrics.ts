import { byLabel, countBy, type MetricsRegistry, type Sample } from '../../common/metrics/registry.js'
import { typeName } from '../../common/metrics/xds.js'
import type { Problem } from '../../common/problem.js'
import type { Publication } from '../../common/xds/resource.js'
import { viewHosts } from '../admin/views/hosts.js'
import { viewHealth } from '../admin/views/services.js'
import type { ViewSource } from '../admin/views/source.js'

const STATUSES = ['live', 'lost', 'unconfirmed', 'left', 'banned', 'enrolled']
const SYNCS = ['synced', 'stale', 'rejected', 'unknown']
const HEALTHS = ['passing', 'critical', 'draining', 'unchecked']

/** What the mesh consists of and how it stands, as `mesh status`, `mesh hosts` and `mesh services` tell it. */
export function addMeshMetrics(metrics: MetricsRegistry, view: () => ViewSource): void {
  metrics.gauge({ name: 'mesh_xds_streams', help: 'Open xDS streams of hosts.' }, () => view().streams.length)
  metrics.gauge({ name: 'mesh_hosts', help: 'Hosts by status; live: with a session now.', labels: ['status'] }, () =>
    byLabel(
      'status',
      countBy(viewHosts(view()), ({ status }) => status, STATUSES),
    ),
  )
  metrics.gauge(
    {
      name: 'mesh_live_hosts',
      help: 'Live hosts by how their Envoys stand to what is published; unknown: not reported yet.',
      labels: ['sync'],
    },
    () => {
      const live = viewHosts(view()).filter(({ status }) => status === 'live')
      return byLabel(
        'sync',
        countBy(live, ({ sync }) => (sync ?? 'unknown').toLowerCase(), SYNCS),
      )
    },
  )
  metrics.gauge(
    {
      name: 'mesh_hosts_soonest_certificate_expiry_timestamp_seconds',
      help: 'When the first of the certificates ends that live hosts hold.',
    },
    () => soonestExpiry(view()),
  )
  metrics.gauge(
    { name: 'mesh_services', help: 'Services that have an instance, healthy or not.' },
    () => view().state.catalog.instances.size,
  )
  const help = 'Instances of all services by health; unchecked: a file alone names them, and nobody asks them.'
  metrics.gauge({ name: 'mesh_instances', help, labels: ['health'] }, () => {
    const instances = [...view().state.catalog.instances.values()].flat()
    return byLabel('health', countBy(instances, viewHealth, HEALTHS))
  })
  metrics.gauge(
    { name: 'mesh_resources', help: 'xDS resources that are published for all hosts together.', labels: ['type'] },
    () => countResources(view().state.publication),
  )
  metrics.gauge(
    {
      name: 'mesh_refused_resources',
      help: 'Resources that live hosts refuse now: one for each host that refuses it.',
      labels: ['type'],
    },
    () => {
      const live = [...view().records.values()].filter(({ session }) => session.state === 'live')
      const refused = live.flatMap(({ envoy }) => envoy?.refused ?? [])
      return byLabel(
        'type',
        countBy(refused, ({ typeUrl }) => typeName(typeUrl)),
      )
    },
  )
  metrics.gauge(
    {
      name: 'mesh_quarantined_resources',
      help: 'Resources whose newest version is held back because hosts refused it.',
      labels: ['type'],
    },
    () =>
      byLabel(
        'type',
        countBy(view().quarantined, ({ type }) => typeName(type)),
      ),
  )
}

/** What is read of the configuration. */
export interface ConfigReadings {
  readonly documents: number
  readonly problems: readonly Problem[]
  /** Of the files of hosts. */
  readonly fileProblems: Readonly<Record<Problem['severity'], number>>
  /** Wall-clock milliseconds: when what is in effect was taken, and when the directories could be looked at last. */
  readonly loadedAt: number
  readonly readAt: number
}

/** What the operators asked for, and what is wrong with it. */
export function addConfigMetrics(metrics: MetricsRegistry, config: () => ConfigReadings): void {
  metrics.gauge({ name: 'mesh_config_documents', help: 'Documents in effect.' }, () => config().documents)
  metrics.gauge(
    {
      name: 'mesh_problems',
      help: 'Problems of documents, service files and references between them; errors are not in effect.',
      labels: ['severity'],
    },
    () => {
      const { problems, fileProblems } = config()
      const own = countBy(problems, ({ severity }) => severity, ['error', 'notice'])
      return byLabel(
        'severity',
        [...own].map(([severity, count]) => [severity, count + fileProblems[severity as Problem['severity']]]),
      )
    },
  )
  metrics.gauge(
    {
      name: 'mesh_config_last_read_timestamp_seconds',
      help: 'When all directories of documents could be looked at last; every 2 s while all is well.',
    },
    () => config().readAt / 1000,
  )
  metrics.gauge(
    { name: 'mesh_config_last_change_timestamp_seconds', help: 'When the documents changed last.' },
    () => config().loadedAt / 1000,
  )
}

function soonestExpiry({ records }: ViewSource): number | undefined {
  const ends = [...records.values()].flatMap(({ session, envoy }) =>
    session.state === 'live' && envoy !== undefined && envoy.certificateExpiryMs > 0 ? envoy.certificateExpiryMs : [],
  )
  return ends.length === 0 ? undefined : ends.reduce((a, b) => Math.min(a, b)) / 1000
}

function countResources({ layers }: Publication): readonly Sample[] {
  const counts = new Map<string, number>()
  for (const layer of layers.values()) {
    for (const [type, resources] of layer) {
      counts.set(typeName(type), (counts.get(typeName(type)) ?? 0) + resources.size)
    }
  }
  return byLabel('type', counts)
}
