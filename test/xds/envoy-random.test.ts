import { deepEqual } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { waitFor } from '../../common/latest.js'
import { Cluster_DiscoveryType, ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { ApiVersion } from '../../common/proto/envoy/config/core/v3/config_source_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { RouterSchema } from '../../common/proto/envoy/extensions/filters/http/router/v3/router_pb.js'
import { HttpConnectionManagerSchema } from '../../common/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import type { Publication, Resource } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { findResource, type View, viewOf, visibleNames } from '../../common/xds/view.js'
import { type ApiType, EnvoyFixture } from './envoy-fixture.js'
import { GrpcFixture } from './grpc-fixture.js'
import { randomPublication, refersTo, seededRandom } from './mesh-model.js'

const binary = process.env['MESH_ENVOY_PATH']
const skip = binary === undefined && 'MESH_ENVOY_PATH does not name an Envoy binary'

/** How many publications one sequence has. */
const PUBLICATIONS = 20

describe('a real Envoy at the end of a random sequence of changes and lost streams', () => {
  for (const [seed, apiType] of [1, 2, 3, 4, 5, 6].map(
    (one) => [one, one % 2 === 0 ? 'GRPC' : 'DELTA_GRPC'] as const,
  )) {
    it(`holds what is published and nothing else (sequence ${seed}, ${apiType})`, { skip }, () => play(seed, apiType))
  }
})

async function play(seed: number, apiType: ApiType): Promise<void> {
  const random = seededRandom(seed)
  await using server = await GrpcFixture.start()
  let model = randomPublication({ random, faulty: 0 }, undefined)
  server.publication.set(toEnvoy(model, server.directory))
  await using envoy = new EnvoyFixture(binary ?? '', server, { apiType })
  const until = async (holds: () => boolean) => {
    try {
      await waitFor(server.xds.activity, holds, AbortSignal.timeout(20_000))
    } catch (cause) {
      throw new Error(`Envoy did not get there: ${JSON.stringify(server.xds.statuses())}\n${envoy.log}`, { cause })
    }
  }
  await until(() => server.xds.statuses().some(({ types }) => types().length >= 2))
  for (let index = 0; index < PUBLICATIONS; index++) {
    model = randomPublication({ random, faulty: 0 }, model)
    server.publication.set(toEnvoy(model, server.directory))
    const target = server.xds.activity.value + Math.floor(random() * 4)
    // Where there is nothing to be told, nothing happens.
    const idle = () => server.xds.statuses().every(({ acknowledged }) => acknowledged)
    await until(() => server.xds.activity.value >= target || idle())
    if (random() < 0.15) server.xds.end(new StreamRefusal('UNAVAILABLE', 'a test'))
  }
  const view = viewOf(model, model.clients.get('client') ?? [])
  const wanted = wantedOf(view)
  await until(() => server.xds.statuses().some((stream) => stream.acknowledged && asksFor(stream.types(), wanted)))
  deepEqual(readDump(await envoy.configDump()), wanted)
  deepEqual(
    server.xds.statuses().flatMap(({ refused }) => refused),
    [],
  )
}

type Held = Readonly<Record<'clusters' | 'endpoints' | 'routes' | 'listeners', readonly string[]>>

/** Whether an Envoy has come so far as to ask for all that it needs. */
function asksFor(types: readonly { readonly type: string; readonly subscribed: number }[], wanted: Held): boolean {
  const count = (type: string) => types.find((one) => one.type === type)?.subscribed ?? 0
  return count(ENDPOINT) === wanted.endpoints.length && count(ROUTE) === wanted.routes.length
}

/** What an Envoy has to hold of a view, as `name@version`. */
function wantedOf(view: View): Held {
  const all = (type: string) =>
    [...visibleNames(view, type)].sort().flatMap((name) => findResource(view, type, name) ?? [])
  const inUse = new Set(all(LISTENER).flatMap(refersTo))
  const text = ({ name, version }: Resource) => `${name}@${version}`
  return {
    clusters: all(CLUSTER).map(text),
    endpoints: all(ENDPOINT).map(({ name, version }) => `${name}@${portOf(version)}`),
    routes: all(ROUTE)
      .filter(({ name }) => inUse.has(name))
      .map(text),
    listeners: all(LISTENER).map(text),
  }
}

/** The same, read from what an Envoy says. */
function readDump({ configs }: Awaited<ReturnType<EnvoyFixture['configDump']>>): Held {
  const list = <T>(key: string) => configs.flatMap((config) => (config[key] ?? []) as readonly T[])
  const sorted = (texts: readonly string[]) => [...texts].sort()
  return {
    clusters: sorted(
      list<{ cluster: { name: string; alt_stat_name: string } }>('dynamic_active_clusters').map(
        ({ cluster }) => `${cluster.name}@${cluster.alt_stat_name}`,
      ),
    ),
    endpoints: sorted(
      list<DumpedEndpoints>('dynamic_endpoint_configs').map(
        ({ endpoint_config: { cluster_name: name, endpoints } }) => {
          return `${name}@${endpoints[0]?.lb_endpoints[0]?.endpoint.address.socket_address.port_value}`
        },
      ),
    ),
    routes: sorted(
      list<DumpedRoutes>('dynamic_route_configs').map(
        ({
          route_config: {
            name,
            virtual_hosts: [host],
          },
        }) => `${name}@${host?.name}`,
      ),
    ),
    listeners: sorted(
      list<DumpedListener>('dynamic_listeners').map(
        ({ name, active_state: { listener } }) => `${name}@${listener.stat_prefix}`,
      ),
    ),
  }
}

interface DumpedEndpoints {
  readonly endpoint_config: {
    readonly cluster_name: string
    readonly endpoints: readonly {
      readonly lb_endpoints: readonly {
        readonly endpoint: { readonly address: { readonly socket_address: { readonly port_value: number } } }
      }[]
    }[]
  }
}

interface DumpedRoutes {
  readonly route_config: { readonly name: string; readonly virtual_hosts: readonly { readonly name: string }[] }
}

interface DumpedListener {
  readonly name: string
  readonly active_state: { readonly listener: { readonly stat_prefix: string } }
}

/** The same publication with messages of Envoy, for the client `envoy`. */
function toEnvoy({ layers, clients }: Publication, directory: string): Publication {
  const convert = (resource: Resource): Resource => ({ ...resource, bytes: bytesOf(resource, directory) })
  const sets = [...layers].map(([layer, set]) => {
    const types = [...set].map(
      ([type, all]) => [type, new Map([...all].map(([name, one]) => [name, convert(one)]))] as const,
    )
    return [layer, new Map(types)] as const
  })
  return { layers: new Map(sets), clients: new Map([['envoy', clients.get('client') ?? []]]) }
}

function bytesOf(resource: Resource, directory: string): Uint8Array {
  const { type, name, version } = resource
  if (type === CLUSTER) return encode(ClusterSchema, clusterOf(name, version))
  if (type === ENDPOINT) return encode(ClusterLoadAssignmentSchema, assignmentOf(name, version))
  if (type === ROUTE) return encode(RouteConfigurationSchema, routesOf(name, version, refersTo(resource)))
  return encode(ListenerSchema, listenerOf(name, version, refersTo(resource)[0] ?? '', directory))
}

function encode<S extends DescMessage>(schema: S, message: MessageInitShape<S>): Uint8Array {
  return toBinary(schema, create(schema, message))
}

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: ApiVersion.V3 } as const

function clusterOf(name: string, version: string): MessageInitShape<typeof ClusterSchema> {
  return {
    name,
    altStatName: version,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
  }
}

function assignmentOf(name: string, version: string): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  const value = { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: portOf(version) } } as const
  const address = { address: { case: 'socketAddress', value } } as const
  return {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }],
  }
}

/** A port that tells a version, as far as a port can. */
function portOf(version: string): number {
  return 1 + (Number(version.slice(1)) % 60_000)
}

function routesOf(
  name: string,
  version: string,
  to: readonly string[],
): MessageInitShape<typeof RouteConfigurationSchema> {
  const routes = to.map((cluster) => ({
    match: { pathSpecifier: { case: 'prefix', value: `/${cluster}` } } as const,
    action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster } } } as const,
  }))
  return { name, virtualHosts: [{ name: version, domains: ['*'], routes }] }
}

function listenerOf(
  name: string,
  version: string,
  routeConfigName: string,
  directory: string,
): MessageInitShape<typeof ListenerSchema> {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: { case: 'rds', value: { configSource: ADS, routeConfigName } },
    httpFilters: [
      { name: 'router', configType: { case: 'typedConfig', value: anyPack(RouterSchema, create(RouterSchema)) } },
    ],
  })
  return {
    name,
    statPrefix: version,
    address: { address: { case: 'pipe', value: { path: `${directory}/${name}.sock` } } },
    filterChains: [
      {
        filters: [
          { name: 'http', configType: { case: 'typedConfig', value: anyPack(HttpConnectionManagerSchema, manager) } },
        ],
      },
    ],
  }
}
