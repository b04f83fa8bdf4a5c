import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { encode } from '../../common/protobuf/encode.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import type {
  InboundListener,
  InboundPort,
  InboundRoutes,
  Mesh,
  MeshCluster,
  MeshEndpoints,
  MeshHost,
  MeshPort,
  NameView,
  OutboundRoutes,
  SocketAddress,
  TcpAllowList,
  UpstreamListener,
} from '../mesh/mesh.js'
import { encodeApplicationCluster, encodeCluster } from './cluster.js'
import { buildDnsListener } from './dns.js'
import { buildEndpoints } from './endpoint.js'
import { buildInboundRoutes } from './inbound-route.js'
import type { Inside, Insides } from './inside.js'
import { buildInboundListener, buildNameListener, buildRedirectListener, buildUpstreamListener } from './listener.js'
import type { Recipe } from './memo.js'
import {
  allowSecret,
  applicationCluster,
  asIdentity,
  DNS_LISTENER,
  inboundRouteName,
  nameListener,
  outboundRouteName,
  portOfCluster,
  REDIRECT_LISTENER,
} from './names.js'
import { buildOutboundRoutes } from './outbound-route.js'
import { allowContext } from './tls.js'

/** What resources are made from beside the mesh. */
export interface ResourceSettings {
  /** All roots that are trusted now. */
  readonly trustBundlePem: string
}

/** What every host sees of a port: how it is reached with the identity of the host's caller. */
export function sharedRecipes({ clusters, endpoints, outbound }: MeshPort): readonly Recipe[] {
  return [
    ...clusters.map((cluster) => clusterRecipe(cluster)),
    ...endpoints.map((one) => endpointRecipe(one)),
    ...(outbound === undefined ? [] : [outboundRecipe(outbound)]),
  ]
}

/** What the calls of one identity need: the ports that they are for, and those to which these lead. */
export interface Called {
  readonly targets: readonly MeshPort[]
  /** Sorted by name. */
  readonly reached: readonly MeshPort[]
}

/** Finds the ports that calls to some ports can reach. @param targets names of the ports that are called */
export function portsCalled(targets: readonly string[], ports: Mesh['ports']): Called {
  const called = targets.flatMap((target) => ports.get(target) ?? [])
  const names = new Set(called.flatMap(clustersCalled).map(portOfCluster))
  return { targets: called, reached: [...names].sort().flatMap((name) => ports.get(name) ?? []) }
}

/** What every host sees, for calls of declared upstreams that carry the identity `as`: only what leads to their targets. */
export function identityRecipes(as: string, { targets, reached }: Called): readonly Recipe[] {
  const names = new Set(targets.flatMap(clustersCalled))
  const clusters = reached.flatMap((port) => port.clusters.filter(({ name }) => names.has(name)))
  const endpoints = reached.flatMap((port) => port.endpoints.filter(({ name }) => names.has(name)))
  return [
    ...clusters.map((one) => clusterRecipe(one, as)),
    ...endpoints.map((one) => endpointRecipe(one, as)),
    ...targets.flatMap(({ outbound }) => (outbound === undefined ? [] : [outboundRecipe(outbound, as)])),
  ]
}

/** Names of the clusters to which what is sent to a port can go. */
function clustersCalled({ named, outbound }: MeshPort): readonly string[] {
  const routes = outbound?.routes.flatMap(({ action }) => (action.kind === 'forward' ? action.to : [])) ?? []
  return [...routes, ...(named.tcp?.to ?? [])].map(({ cluster }) => cluster)
}

function clusterRecipe(cluster: MeshCluster, as?: string): Recipe {
  return {
    type: CLUSTER,
    name: asIdentity(cluster.name, as),
    from: cluster,
    build: () => encodeCluster(cluster, as),
  }
}

function endpointRecipe(endpoints: MeshEndpoints, as?: string): Recipe {
  return {
    type: ENDPOINT,
    name: asIdentity(endpoints.name, as),
    from: endpoints,
    build: () => encode(ClusterLoadAssignmentSchema, buildEndpoints(endpoints, as)),
  }
}

function outboundRecipe(outbound: OutboundRoutes, as?: string): Recipe {
  return {
    type: ROUTE,
    name: asIdentity(outboundRouteName(outbound.name), as),
    from: outbound,
    build: () => encode(RouteConfigurationSchema, buildOutboundRoutes(outbound, as)),
  }
}

/** How names look on hosts of one view: a listener for each address and number, and the answers of DNS. */
export function nameRecipes(view: NameView, insides: Insides, domain: string): readonly Recipe[] {
  const dns: Recipe = {
    type: LISTENER,
    name: DNS_LISTENER,
    from: view,
    with: [domain],
    build: () => encode(ListenerSchema, buildDnsListener(view, domain)),
  }
  const redirected = view.redirectedTo !== undefined
  const listeners = view.listeners.flatMap(({ port, address }): readonly Recipe[] => {
    const named = insides.get(port)?.named
    if (named === undefined) return []
    const build = () => encode(ListenerSchema, buildNameListener(named, address, redirected))
    // Views of one range share their listeners, whatever else is different.
    const scope = address.address
    return [{ type: LISTENER, name: nameListener(port, address.port, redirected), scope, from: named, build }]
  })
  return [
    ...(view.addresses.length === 0 ? [] : [dns]),
    ...(view.redirectedTo === undefined ? [] : [redirectRecipe(view.redirectedTo)]),
    ...listeners,
  ]
}

function redirectRecipe(address: SocketAddress): Recipe {
  const build = () => encode(ListenerSchema, buildRedirectListener(address))
  return { type: LISTENER, name: REDIRECT_LISTENER, from: address, build }
}

/** What is particular to one host: its inbound side, and the listeners of its declared upstreams. */
export function hostRecipes(
  host: MeshHost,
  insides: Insides,
  trustDomain: string,
  settings: ResourceSettings,
): readonly Recipe[] {
  return [
    ...host.inbound.map((listener) => listenerRecipe(listener, trustDomain)),
    ...host.upstreams.flatMap((upstream) => upstreamRecipe(upstream, insides)),
    ...host.inbound
      .flatMap(({ ports }) => ports)
      .flatMap((port) => portRecipes(port, insides.get(port.name), settings)),
  ]
}

function listenerRecipe(listener: InboundListener, trustDomain: string): Recipe {
  return {
    type: LISTENER,
    name: listener.name,
    from: listener,
    with: [trustDomain],
    build: () => encode(ListenerSchema, buildInboundListener(listener, trustDomain)),
  }
}

function upstreamRecipe(upstream: UpstreamListener, insides: Insides): readonly Recipe[] {
  const named = insides.get(upstream.target)?.named
  if (named === undefined) return []
  const build = () => encode(ListenerSchema, buildUpstreamListener(upstream, named))
  return [{ type: LISTENER, name: upstream.name, from: upstream, with: [named], build }]
}

function portRecipes(port: InboundPort, inside: Inside | undefined, settings: ResourceSettings): readonly Recipe[] {
  const application: Recipe = {
    type: CLUSTER,
    name: applicationCluster(port.local),
    from: port,
    build: () => encodeApplicationCluster(port),
  }
  const { inbound, allowList } = inside ?? {}
  return [
    application,
    ...(inbound === undefined ? [] : [inboundRecipe(inbound, port.local)]),
    ...(allowList === undefined ? [] : [allowRecipe(allowList, settings)]),
  ]
}

/** The same on every host that serves the port, so it is made once. */
function inboundRecipe(inbound: InboundRoutes, local: string): Recipe {
  const build = () => encode(RouteConfigurationSchema, buildInboundRoutes(inbound, local))
  return { type: ROUTE, name: inboundRouteName(local), from: inbound, build }
}

/** The same on every host that serves the port, so it is made once. */
function allowRecipe(allowList: TcpAllowList, { trustBundlePem }: ResourceSettings): Recipe {
  const name = allowSecret(allowList.name)
  const build = () =>
    encode(SecretSchema, {
      name,
      type: { case: 'validationContext', value: allowContext(trustBundlePem, allowList.principals) },
    })
  return { type: SECRET, name, from: allowList, with: [trustBundlePem], build }
}
