import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../../common/xds/types.js'
import { SHARED_LAYER } from '../../../controlplane/envoy/build.js'
import type { Expected } from '../load/expected.js'
import type { ClientPlan } from '../load/light-client.js'
import type { Subscription } from '../load/requests.js'
import { hostName, serviceName } from './fleet.js'

/** Of all types a relay asks for everything that there is for its host. */
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET]

/** A client that holds all services, as the relay of an agent does. */
export function holdsAll(index: number): ClientPlan {
  const subscriptions = TYPES.map((type): Subscription => ({ type, names: '*' }))
  return { host: hostName(index), subscriptions, concerned: true }
}

/**
 * A client that asks by name for what leads to some services, and for what is its host's own: its listeners, the
 * clusters of its applications, its inbound routes.
 *
 * @param services numbers of the services
 */
export function holdsSome(
  index: number,
  services: readonly number[],
  expected: Expected,
  concerned: boolean,
): ClientPlan {
  const host = hostName(index)
  const byService = namesByService(expected)
  const own = expected.layers.get(`host:${host}`)
  const subscriptions = TYPES.flatMap((type): readonly Subscription[] => {
    const names = services.flatMap((service) => byService.get(serviceName(service))?.get(type) ?? [])
    const all = [...names, ...(own?.get(type)?.keys() ?? [])]
    return all.length === 0 ? [] : [{ type, names: all }]
  })
  return { host, subscriptions, concerned }
}

/** Names of what leads to each service, by type: clusters, endpoints, routes and the listeners of names. */
function namesByService(expected: Expected): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const known = found.get(expected)
  if (known !== undefined) return known
  const byService = new Map<string, Map<string, string[]>>()
  const views = [...expected.layers].filter(([layer]) => layer === SHARED_LAYER || layer.startsWith('names:'))
  for (const [type, names] of views.flatMap(([, types]) => [...types])) {
    for (const name of names.keys()) {
      const [service] = /svc-\d+/.exec(name) ?? []
      if (service === undefined) continue
      const types = byService.get(service) ?? new Map<string, string[]>()
      byService.set(service, types.set(type, [...(types.get(type) ?? []), name]))
    }
  }
  found.set(expected, byService)
  return byService
}

const found = new WeakMap<Expected, ReturnType<typeof namesByService>>()

/** Services that a host holds beside the hot one: others for each host, so that no two hosts hold the same. */
export function someServices(
  index: number,
  count: number,
  hot: number | undefined,
  services: number,
): readonly number[] {
  const chosen = new Set(hot === undefined ? [] : [hot])
  for (let step = 1; chosen.size < Math.min(count, services); step++) {
    const service = (index * 7 + step * 13) % services
    // The hot service is number 0: who is not to hold it, does not.
    if (service !== 0 || hot === 0) chosen.add(service)
    else if (services === 1) break
  }
  return [...chosen]
}
