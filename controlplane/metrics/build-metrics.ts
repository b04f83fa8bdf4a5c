import type { MetricsRegistry } from '../../common/metrics/registry.js'

/** Seconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts how often the mesh is built from its inputs. @returns what the pipeline tells of each build */
export function addBuildMetrics(metrics: MetricsRegistry): (result: 'ok' | 'failed', seconds: number) => void {
  const builds = metrics.counter(
    {
      name: 'mesh_builds_total',
      help: 'Builds of the mesh after changes; failed: what was served before is served on.',
      labels: ['result'],
    },
    [{ result: 'ok' }, { result: 'failed' }],
  )
  const duration = metrics.histogram(
    { name: 'mesh_build_duration_seconds', help: 'How long builds of the mesh took.' },
    BUCKETS,
  )
  return (result, seconds) => {
    builds.add(1, { result })
    duration.observe(seconds)
  }
}
