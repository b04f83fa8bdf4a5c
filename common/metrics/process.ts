import { VERSION } from '../version.js'
import { MetricsRegistry } from './registry.js'

/**
 * A registry with what every process of the mesh tells of itself: its version, and how it does as a process. An agent on an
 * idle host is to cost nothing, so it does not watch the delays of its event loop.
 */
export function processMetrics(part: 'agent' | 'controlplane'): MetricsRegistry {
  const metrics = new MetricsRegistry()
  metrics.gauge(
    { name: 'mesh_build_info', help: 'Always 1; the labels tell what runs.', labels: ['part', 'version'] },
    () => [{ labels: { part, version: VERSION }, value: 1 }],
  )
  metrics.addProcessMetrics({ loopDelays: part === 'controlplane' })
  return metrics
}
