import type {
  HeaderMatcherSchema,
  RetryPolicySchema,
} from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import { PreviousHostsPredicateSchema } from '../../common/proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
import type { Given } from '../../common/protobuf/encode.js'
import { HOST_ATTEMPTS } from '../mesh/fixed-settings.js'
import type { RetryPolicy } from '../mesh/mesh.js'
import { methodMatcher } from './match.js'
import { duration, pack } from './messages.js'
import { UNDELIVERED_HEADER } from './names.js'

/** Envoy's words for the conditions of the language; a status becomes a code in a list of its own. */
const RETRY_ON: Readonly<Record<string, string>> = {
  undelivered: 'retriable-headers',
  conflict: 'retriable-4xx',
  'connect-failure': 'connect-failure',
  'refused-stream': 'refused-stream',
  reset: 'reset',
  'reset-before-request': 'reset-before-request',
  unavailable: 'unavailable',
  'gateway-error': 'gateway-error',
  '5xx': '5xx',
}

const PREVIOUS_HOSTS = pack(PreviousHostsPredicateSchema, {})

/** When and how often a request is tried again, each time on a host that has not failed it yet. */
export function buildRetryPolicy({ retries, perTryMs, on, methods }: RetryPolicy): Given<typeof RetryPolicySchema> {
  const statuses = on.filter((condition) => /^\d{3}$/.test(condition)).map(Number)
  const words = on.flatMap((condition) => RETRY_ON[condition] ?? [])
  return {
    retryOn: [...words, ...(statuses.length === 0 ? [] : ['retriable-status-codes'])].join(','),
    numRetries: retries,
    ...(perTryMs === undefined ? {} : { perTryTimeout: duration(perTryMs) }),
    retryHostPredicate: [
      {
        name: 'envoy.retry_host_predicates.previous_hosts',
        configType: { case: 'typedConfig', value: PREVIOUS_HOSTS },
      },
    ],
    hostSelectionRetryMaxAttempts: BigInt(HOST_ATTEMPTS),
    retriableStatusCodes: statuses,
    retriableHeaders: on.includes('undelivered') ? [undelivered()] : [],
    retriableRequestHeaders: methods === undefined ? [] : [methodMatcher(methods)],
  }
}

/** The callee's Envoy says by this header that its application has not seen the request. */
function undelivered(): Given<typeof HeaderMatcherSchema> {
  return {
    name: UNDELIVERED_HEADER,
    headerMatchSpecifier: { case: 'presentMatch', value: true },
  }
}
