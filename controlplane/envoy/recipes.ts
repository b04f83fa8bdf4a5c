import { create } from '@bufbuild/protobuf'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
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
import { buildApplicationCluster, buildCluster } from './cluster.js'
import { buildDnsListener } from './dns.js'
import { buildEndpoints } from './endpoint.js'
import { buildInboundRoutes } from './inbound-route.js'
import { buildInboundListener, buildNameListener, buildRedirectListener, buildUpstreamListener } from './listener.js'
import { encode, type Recipe } from './memo.js'
import {
  allowSecret,
  applicationCluster,
  asIdentity,
  DNS_LISTENER,
  inboundRouteName,
  nameListener,
  outboundRouteName,
  REDIRECT_LISTENER,
} from './names.js'
import { buildOutboundRoutes } from './outbound-route.js'
import { allowContext } from './tls.js'

/** What resources are made from beside the mesh. */
export interface ResourceSettings {
  /** All roots that are trusted now. */
  readonly trustBundlePem: string
}

/** What every host sees: how each port is reached with the identity of the host's caller. */
export function sharedRecipes({ ports }: Mesh): readonly Recipe[] {
  return [...ports.values()].flatMap(({ clusters, endpoints, outbound }) => [
    ...clusters.map((cluster) => clusterRecipe(cluster)),
    ...endpoints.map((one) => endpointRecipe(one)),
    ...(outbound === undefined ? [] : [outboundRecipe(outbound)]),
  ])
}

/**
 * The same for calls of declared upstreams that carry the identity `as`: only what leads to their targets.
 *
 * @param targets names of the ports that are called
 */
export function identityRecipes(as: string, targets: readonly string[], { ports }: Mesh): readonly Recipe[] {
  const called = targets.flatMap((target) => ports.get(target) ?? [])
  const names = new Set(called.flatMap(clustersCalled))
  const needed = [...ports.values()].filter(({ clusters }) => clusters.some(({ name }) => names.has(name)))
  return [
    ...needed
      .flatMap(({ clusters }) => clusters.filter(({ name }) => names.has(name)))
      .map((one) => clusterRecipe(one, as)),
    ...needed
      .flatMap(({ endpoints }) => endpoints.filter(({ name }) => names.has(name)))
      .map((one) => endpointRecipe(one, as)),
    ...called.flatMap(({ outbound }) => (outbound === undefined ? [] : [outboundRecipe(outbound, as)])),
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
    input: cluster,
    build: () => encode(ClusterSchema, buildCluster(cluster, as)),
  }
}

function endpointRecipe(endpoints: MeshEndpoints, as?: string): Recipe {
  return {
    type: ENDPOINT,
    name: asIdentity(endpoints.name, as),
    input: endpoints,
    build: () => encode(ClusterLoadAssignmentSchema, buildEndpoints(endpoints, as)),
  }
}

function outboundRecipe(outbound: OutboundRoutes, as?: string): Recipe {
  return {
    type: ROUTE,
    name: asIdentity(outboundRouteName(outbound.name), as),
    input: outbound,
    build: () => encode(RouteConfigurationSchema, buildOutboundRoutes(outbound, as)),
  }
}

/** How names look on hosts of one view: a listener for each address and number, and the answers of DNS. */
export function nameRecipes(view: NameView, { domain, ports }: Mesh): readonly Recipe[] {
  const dns: Recipe = {
    type: LISTENER,
    name: DNS_LISTENER,
    scope: view.key,
    input: { dns: view.dns, anyCase: view.anyCase, addresses: view.addresses, domain },
    build: () => encode(ListenerSchema, buildDnsListener(view, domain)),
  }
  const redirected = view.redirectedTo !== undefined
  const listeners = view.listeners.flatMap(({ port, address }): readonly Recipe[] => {
    const named = ports.get(port)?.named
    if (named === undefined) return []
    const input = { address, named }
    const build = () => encode(ListenerSchema, buildNameListener(named, address, redirected))
    // Views of one range share their listeners, whatever else is different.
    const scope = address.address
    return [{ type: LISTENER, name: nameListener(port, address.port, redirected), scope, input, build }]
  })
  return [
    ...(view.addresses.length === 0 ? [] : [dns]),
    ...(view.redirectedTo === undefined ? [] : [redirectRecipe(view.key, view.redirectedTo)]),
    ...listeners,
  ]
}

function redirectRecipe(scope: string, address: SocketAddress): Recipe {
  const build = () => encode(ListenerSchema, buildRedirectListener(address))
  return { type: LISTENER, name: REDIRECT_LISTENER, scope, input: address, build }
}

/** What is particular to one host: its inbound side, and the listeners of its declared upstreams. */
export function hostRecipes(host: MeshHost, mesh: Mesh, settings: ResourceSettings): readonly Recipe[] {
  return [
    ...host.inbound.map((listener) => listenerRecipe(listener, host, mesh)),
    ...host.upstreams.flatMap((upstream) => upstreamRecipe(upstream, host, mesh)),
    ...host.inbound
      .flatMap(({ ports }) => ports)
      .flatMap((port) => portRecipes(port, host, mesh.ports.get(port.name), settings)),
  ]
}

function listenerRecipe(listener: InboundListener, host: MeshHost, { trustDomain }: Mesh): Recipe {
  return {
    type: LISTENER,
    name: listener.name,
    scope: host.name,
    input: { listener, trustDomain },
    build: () => encode(ListenerSchema, buildInboundListener(listener, trustDomain)),
  }
}

function upstreamRecipe(upstream: UpstreamListener, host: MeshHost, { ports }: Mesh): readonly Recipe[] {
  const named = ports.get(upstream.target)?.named
  if (named === undefined) return []
  const input = { upstream, named }
  const build = () => encode(ListenerSchema, buildUpstreamListener(upstream, named))
  return [{ type: LISTENER, name: upstream.name, scope: host.name, input, build }]
}

function portRecipes(
  port: InboundPort,
  host: MeshHost,
  meshPort: MeshPort | undefined,
  settings: ResourceSettings,
): readonly Recipe[] {
  const application: Recipe = {
    type: CLUSTER,
    name: applicationCluster(port.local),
    scope: host.name,
    input: port,
    build: () => encode(ClusterSchema, buildApplicationCluster(port)),
  }
  const { inbound, allowList } = meshPort ?? {}
  return [
    application,
    ...(inbound === undefined ? [] : [inboundRecipe(inbound, port.local)]),
    ...(allowList === undefined ? [] : [allowRecipe(allowList, settings)]),
  ]
}

/** The same on every host that serves the port, so it is made once. */
function inboundRecipe(inbound: InboundRoutes, local: string): Recipe {
  const build = () => encode(RouteConfigurationSchema, buildInboundRoutes(inbound, local))
  return { type: ROUTE, name: inboundRouteName(local), input: inbound, build }
}

/** The same on every host that serves the port, so it is made once. */
function allowRecipe({ name: port, principals }: TcpAllowList, { trustBundlePem }: ResourceSettings): Recipe {
  const name = allowSecret(port)
  const secret = () =>
    create(SecretSchema, {
      name,
      type: { case: 'validationContext', value: allowContext(trustBundlePem, principals) },
    })
  const build = () => encode(SecretSchema, secret())
  return { type: SECRET, name, input: { trustBundlePem, principals }, build }
}
