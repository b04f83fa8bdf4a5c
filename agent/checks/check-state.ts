/** What one probe found. */
export interface ProbeResult {
  readonly passed: boolean
  /** For people: `GET /healthz: 503`, `connection refused on 127.0.0.1:8080`. */
  readonly detail: string
}

/** When the health of a service changes. */
export interface CheckThresholds {
  /** Failed probes in a row that make a passing service critical. */
  readonly unhealthyAfter: number
  /** Passed probes in a row that make a critical service passing. */
  readonly healthyAfter: number
}

/** The health of a service after some probes. */
export interface CheckState {
  readonly health: 'passing' | 'critical'
  /** How many of the last probes, in a row, had the result of the last one. */
  readonly streak: number
  readonly last: ProbeResult
}

/** How much of the interval the pause is when something has just changed. */
const QUICK = 0.1

/**
 * The state after one more probe. The first probe decides alone, so that an agent that starts beside running
 * applications takes none of them out; after that a change needs as many equal results in a row as the thresholds say.
 */
export function nextCheckState(
  before: CheckState | undefined,
  last: ProbeResult,
  { unhealthyAfter, healthyAfter }: CheckThresholds,
): CheckState {
  if (before === undefined) return { health: last.passed ? 'passing' : 'critical', streak: 1, last }
  const streak = before.last.passed === last.passed ? before.streak + 1 : 1
  const needed = last.passed ? healthyAfter : unhealthyAfter
  return { health: streak >= needed ? (last.passed ? 'passing' : 'critical') : before.health, streak, last }
}

/**
 * Milliseconds until the next probe. A result that contradicts the health is looked into soon, so that a dead
 * application is out after one interval and not after several. A critical service is probed soon after it failed, too,
 * and then less and less often down to the interval: applications that are restarted come back within seconds.
 */
export function nextProbePause({ health, streak, last }: CheckState, interval: number): number {
  if (health === 'passing' && last.passed) return interval
  if (health === 'critical' && !last.passed) return Math.min(interval, interval * QUICK * 2 ** Math.min(streak - 1, 10))
  return interval * QUICK
}
