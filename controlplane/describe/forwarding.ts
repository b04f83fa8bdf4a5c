import type { ForwardingView, RetryView } from '../../common/admin-api.js'
import type { Carriage } from '../../common/protocol.js'
import type { RouteRule } from '../config/schema/route.js'
import type { Mesh, RetryPolicy, RouteAction, TimeLimit } from '../mesh/mesh.js'
import { actionWords } from './words.js'

/**
 * Where requests or connections go, and their limits.
 *
 * @param rule that says so; absent: none
 */
export function forwarding(
  action: RouteAction,
  carriage: Carriage,
  rule?: RouteRule,
): Pick<ForwardingView, 'goes' | 'timeout' | 'retry'> {
  const goes = actionWords(action)
  if (action.kind === 'respond' || carriage === 'bytes') return { goes }
  return { goes, timeout: limitOf(action.timeout), retry: retryOf(action.retry, rule) }
}

/** What a person should know of it: destinations where nobody answers, and limits that calls bring along. */
export function forwardingNotes(action: RouteAction, carriage: Carriage, mesh: Mesh): readonly string[] {
  if (action.kind === 'respond') return []
  const ending = carriage === 'bytes' ? 'connections to it are closed' : 'requests to it get 503'
  const empty = action.to.filter(({ cluster }) => countEndpoints(cluster, mesh) === 0)
  return [
    ...empty.map(({ cluster }) => `no instance of ${cluster} can be called: ${ending}`),
    ...(action.deadline === 'honour' ? ['a gRPC call ends at its own deadline, if that is earlier'] : []),
  ]
}

/** The endpoints of a subset are those of a port of its service. */
function countEndpoints(cluster: string, { ports }: Mesh): number {
  const [service, port] = cluster.split('/')
  const all = ports.get(`${service}/${port}`)?.endpoints ?? []
  return all.find(({ name }) => name === cluster)?.endpoints.length ?? 0
}

function limitOf(timeout: TimeLimit): number | 'off' {
  return timeout === 'unlimited' ? 'off' : timeout.ms
}

function retryOf(policy: RetryPolicy | undefined, rule: RouteRule | undefined): RetryView {
  if (policy === undefined) return { retries: 0 }
  const { retries, perTryMs, on, methods } = policy
  return {
    retries,
    ...(perTryMs === undefined ? {} : { perTry: perTryMs }),
    ...(rule?.retry?.on === undefined ? {} : { on }),
    ...(methods === undefined ? {} : { methods }),
  }
}
