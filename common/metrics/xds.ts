import type { XdsObserver } from '../xds/observer.js'
import { TYPE_NAMES } from '../xds/types.js'
import { byLabel, type MetricSpec, type MetricsRegistry } from './registry.js'

/** From a millisecond to the minute in which a client is behind for good, seconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Counts what an xDS server sends and what its clients make of it. */
export function observeXds(metrics: MetricsRegistry): XdsObserver {
  const counter = (name: string, help: string) => countByType(metrics, { name, help, labels: ['type'] })
  const pushes = counter('mesh_xds_pushes_total', 'xDS responses sent, by resource type.')
  const resources = counter('mesh_xds_resources_sent_total', 'xDS resources in the responses sent.')
  const acks = counter('mesh_xds_acks_total', 'xDS responses that clients have accepted.')
  const nacks = counter('mesh_xds_nacks_total', 'xDS responses that clients have refused.')
  const seconds = metrics.histogram(
    {
      name: 'mesh_xds_push_duration_seconds',
      help: 'From a change to its first response on a stream (until="sent"), and to the acknowledgement of all that is published (until="acknowledged").',
      labels: ['until'],
    },
    BUCKETS,
  )
  return {
    pushed(typeUrl, count) {
      const type = typeName(typeUrl)
      pushes(type, 1)
      resources(type, count)
    },
    answered(typeUrl, accepted) {
      const counted = accepted ? acks : nacks
      counted(typeName(typeUrl), 1)
    },
    delivered: (until, ms) => seconds.observe(ms / 1000, { until }),
  }
}

/** Clients may subscribe to types of any name: those that are not known are one. */
export function typeName(typeUrl: string): string {
  return TYPE_NAMES.get(typeUrl) ?? 'other'
}

/** Counts by type, without looking a sample up each time: a change of the mesh is thousands of responses. */
function countByType(metrics: MetricsRegistry, spec: MetricSpec): (type: string, by: number) => void {
  const counts = new Map([...TYPE_NAMES.values()].map((type) => [type, 0]))
  metrics.counted(spec, () => byLabel('type', counts))
  return (type, by) => counts.set(type, (counts.get(type) ?? 0) + by)
}
