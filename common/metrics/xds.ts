import type { XdsObserver } from '../xds/observer.js'
import { TYPE_NAMES } from '../xds/types.js'
import type { MetricsRegistry } from './registry.js'

/** From a millisecond to the minute in which a client is behind for good, seconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Counts what an xDS server sends and what its clients make of it. */
export function observeXds(metrics: MetricsRegistry): XdsObserver {
  const types = [...TYPE_NAMES.values()].map((type) => ({ type }))
  const counter = (name: string, help: string) => metrics.counter({ name, help, labels: ['type'] }, types)
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
      pushes.add(1, { type })
      resources.add(count, { type })
    },
    answered(typeUrl, accepted) {
      const counted = accepted ? acks : nacks
      counted.add(1, { type: typeName(typeUrl) })
    },
    delivered: (until, ms) => seconds.observe(ms / 1000, { until }),
  }
}

/** Clients may subscribe to types of any name: those that are not known are one. */
export function typeName(typeUrl: string): string {
  return TYPE_NAMES.get(typeUrl) ?? 'other'
}
