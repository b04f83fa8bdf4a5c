import type { RetrySettings } from '../config/schema/retry.js'
import type { RetryPolicy } from './mesh.js'

/**
 * What is tried again unless a document says otherwise: only what the application never saw, or what gRPC calls
 * unavailable.
 */
const DEFAULT_CONDITIONS = ['connect-failure', 'refused-stream', 'reset-before-request', 'unavailable', 'undelivered']

const DEFAULT_RETRIES = 2

/**
 * The retry policy of a route: what its rule says over what its service says over the defaults, key by key.
 *
 * @returns undefined where nothing is tried again
 */
export function retryPolicy(
  service: RetrySettings | undefined,
  rule: RetrySettings | undefined,
): RetryPolicy | undefined {
  const retries = rule?.retries ?? service?.retries ?? DEFAULT_RETRIES
  if (retries === 0) return undefined
  const perTryMs = rule?.perTry ?? service?.perTry
  const methods = rule?.methods ?? service?.methods
  return {
    retries,
    on: [...new Set(rule?.on ?? service?.on ?? DEFAULT_CONDITIONS)].sort(),
    ...(perTryMs === undefined ? {} : { perTryMs }),
    ...(methods === undefined ? {} : { methods }),
  }
}
