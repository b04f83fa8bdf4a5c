import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { LONGEST_TIMER_MS } from '../tasks.js'

/** What a metric is, as operators and the documentation know it. */
export interface MetricSpec {
  /** `mesh_…`, in base units: `_seconds`, `_timestamp_seconds`, `_total` for counters. */
  readonly name: string
  readonly help: string
  /** Names of labels; their values are few, whatever the mesh grows to. */
  readonly labels?: readonly string[]
}

/** A value under the labels that tell it from the others of its metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Values that are looked up when somebody asks. Absent values are left out: nothing is known then. */
export type Reading = number | undefined | readonly Sample[]

/** Counts up from zero while the process lives. */
export interface CounterMetric {
  add(by?: number, labels?: Readonly<Record<string, string>>): void
}

/** Counts how often something took how long. */
export interface HistogramMetric {
  observe(seconds: number, labels?: Readonly<Record<string, string>>): void
}

/** What a scrape answers. */
export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** A metric with its kind, as {@link MetricsRegistry.list} tells it. */
export interface ListedMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labels: readonly string[]
}

/** Values of prom-client that its own naming rules forbid: sums of other metrics, named like counters and none. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** What prom-client tells of the delays that it has measured between two scrapes. */
const LOOP_DELAYS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
  (of) => `nodejs_eventloop_lag_${of}_seconds`,
)

/** How exactly delays are measured, milliseconds. */
const LOOP_PRECISION_MS = 10

/** The metrics of one process or, in a test, of one part: no two registries share anything. */
export class MetricsRegistry {
  readonly #registry = new Registry()

  /**
   * Adds the metrics of the process and of Node: memory, descriptors, processor time.
   *
   * @param loopDelays whether delays of the event loop are measured all the time; that wakes the process 100 times a second
   */
  addProcessMetrics({ loopDelays }: { readonly loopDelays: boolean }): void {
    const eventLoopMonitoringPrecision = loopDelays ? LOOP_PRECISION_MS : LONGEST_TIMER_MS
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision })
    const unwanted = loopDelays ? MISNAMED : [...MISNAMED, ...LOOP_DELAYS]
    for (const name of unwanted) this.#registry.removeSingleMetric(name)
  }

  /** A value that goes up and down, read at each scrape. */
  gauge(spec: MetricSpec, read: () => Reading): void {
    new Gauge({
      ...this.#configuration(spec),
      collect() {
        this.reset()
        // A gauge without labels begins at zero; nothing known is not zero.
        this.remove({})
        for (const { labels, value } of samplesOf(read())) this.set(labels, value)
      },
    })
  }

  /** A count that somebody else keeps, read at each scrape. */
  counted(spec: MetricSpec, read: () => Reading): void {
    new Counter({
      ...this.#configuration(spec),
      collect() {
        this.reset()
        for (const { labels, value } of samplesOf(read())) this.inc(labels, value)
      },
    })
  }

  /** @param start label values that are there from the beginning, so that their first event is an increase */
  counter(spec: MetricSpec, start: readonly Readonly<Record<string, string>>[] = []): CounterMetric {
    const counter = new Counter(this.#configuration(spec))
    for (const labels of start) counter.inc(labels, 0)
    return { add: (by = 1, labels = {}) => counter.inc(labels, by) }
  }

  /** @param buckets upper bounds, seconds */
  histogram(spec: MetricSpec, buckets: readonly number[]): HistogramMetric {
    const histogram = new Histogram({ ...this.#configuration(spec), buckets: [...buckets] })
    return { observe: (seconds, labels = {}) => histogram.observe(labels, seconds) }
  }

  /** All metrics in Prometheus' text format. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
  async expose(): Promise<Exposition> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  /** Every metric, in the order in which they were added. */
  list(): readonly ListedMetric[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help, type, labelNames = [] } = metric as unknown as PromClientMetric
      return { name, help, type: String(type), labels: labelNames }
    })
  }

  #configuration({ name, help, labels = [] }: MetricSpec) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] }
  }
}

/** What prom-client's metrics hold, which its types do not say. */
interface PromClientMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labelNames?: readonly string[]
}

function samplesOf(reading: Reading): readonly Sample[] {
  if (reading === undefined) return []
  return typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading
}

/** One sample for each entry, with the key as the value of this label. */
export function byLabel(label: string, values: Iterable<readonly [string, number]>): readonly Sample[] {
  return [...values].map(([key, value]) => ({ labels: { [label]: key }, value }))
}

/** How many items have each of these keys; a key that no item has counts 0, so that it is there to be compared. */
export function countBy<T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  keys: readonly string[] = [],
): ReadonlyMap<string, number> {
  const counts = new Map(keys.map((key) => [key, 0]))
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}
