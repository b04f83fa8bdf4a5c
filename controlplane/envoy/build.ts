import { create } from '@bufbuild/protobuf'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import type { Publication, ResourceSet } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import type { InboundPort, Mesh, MeshHost, MeshPort, NameView } from '../mesh/mesh.js'
import { buildApplicationCluster, buildCluster } from './cluster.js'
import { buildDnsListener } from './dns.js'
import { buildEndpoints } from './endpoint.js'
import { buildInboundRoutes } from './inbound-route.js'
import { buildInboundListener, buildNameListener, buildUpstreamListener } from './listener.js'
import { encode, type Recipe, ResourceMemo } from './memo.js'
import {
  allowSecret,
  applicationCluster,
  asIdentity,
  DNS_LISTENER,
  INBOUND_LISTENER,
  inboundRouteName,
  nameListener,
  outboundRouteName,
} from './names.js'
import { buildOutboundRoutes } from './outbound-route.js'
import { allowContext } from './tls.js'

/** What resources are made from beside the mesh. */
export interface ResourceSettings {
  /** All roots that are trusted now. */
  readonly trustBundlePem: string
}

/** The layer of what every host sees. */
export const SHARED_LAYER = 'shared'

/**
 * Translates the mesh into what xDS serves: a shared layer (clusters, endpoints, outbound routes), a layer for each view
 * of names (their listeners and DNS), one for each identity other than the caller's that declared upstreams need, and a
 * small one for each host.
 */
export function buildResources(mesh: Mesh, settings: ResourceSettings, memo: ResourceMemo): Publication {
  return memo.round(() => {
    const ports = [...mesh.ports.values()]
    const layers = new Map<string, ResourceSet>()
    const add = (layer: string, scope: string, recipes: readonly Recipe[]) =>
      layers.set(layer, memo.layer(layer, scope, recipes))
    add(
      SHARED_LAYER,
      '',
      ports.flatMap((port) => outboundRecipes(port, undefined)),
    )
    for (const view of mesh.nameViews.values()) add(`names:${view.key}`, view.key, nameRecipes(view, mesh))
    for (const service of identitiesOf(mesh))
      add(
        `as:${service}`,
        '',
        ports.flatMap((port) => outboundRecipes(port, service)),
      )
    for (const host of mesh.hosts.values()) add(`host:${host.name}`, host.name, hostRecipes(host, mesh, settings))
    return { layers, clients: new Map([...mesh.hosts.values()].map((host) => [host.name, layersOf(host)])) }
  })
}

/** Bytes differ although a memo said that nothing changed: a builder reads something that its recipe does not name. */
export class StaleResource extends Error {
  readonly resource: string

  constructor(layer: string, type: string, name: string) {
    super(`${type} ${name} in ${layer} is stale: made anew it has other bytes`)
    this.resource = name
  }
}

/** Makes everything anew and compares it with what was made step by step. @throws StaleResource */
export function verifyResources(mesh: Mesh, settings: ResourceSettings, publication: Publication): void {
  const anew = buildResources(mesh, settings, new ResourceMemo())
  for (const [layer, set] of anew.layers) {
    for (const [type, resources] of set) {
      for (const [name, { version }] of resources) {
        if (publication.layers.get(layer)?.get(type)?.get(name)?.version === version) continue
        throw new StaleResource(layer, type, name)
      }
    }
  }
}

function layersOf({ name, nameView, upstreams }: MeshHost): readonly string[] {
  const identities = [...new Set(upstreams.map(({ as }) => as))].sort()
  return [
    `host:${name}`,
    ...(nameView === undefined ? [] : [`names:${nameView}`]),
    ...identities.map((service) => `as:${service}`),
    SHARED_LAYER,
  ]
}

/** The services whose identity declared upstreams carry. */
function identitiesOf(mesh: Mesh): readonly string[] {
  return [...new Set([...mesh.hosts.values()].flatMap(({ upstreams }) => upstreams.map(({ as }) => as)))].sort()
}

function outboundRecipes({ clusters, endpoints, outbound }: MeshPort, as: string | undefined): readonly Recipe[] {
  return [
    ...clusters.map((cluster) => ({
      type: CLUSTER,
      name: asIdentity(cluster.name, as),
      input: { ...cluster, sources: [] },
      build: () => encode(ClusterSchema, buildCluster(cluster, as)),
    })),
    ...endpoints.map((one) => ({
      type: ENDPOINT,
      name: asIdentity(one.name, as),
      input: one,
      build: () => encode(ClusterLoadAssignmentSchema, buildEndpoints(one, as)),
    })),
    ...(outbound === undefined
      ? []
      : [
          {
            type: ROUTE,
            name: asIdentity(outboundRouteName(outbound.name), as),
            input: outbound.routes,
            build: () => encode(RouteConfigurationSchema, buildOutboundRoutes(outbound, as)),
          },
        ]),
  ]
}

function nameRecipes(view: NameView, { domain, ports }: Mesh): readonly Recipe[] {
  const dns = {
    type: LISTENER,
    name: DNS_LISTENER,
    input: { dns: view.dns, addresses: view.addresses, domain },
    build: () => encode(ListenerSchema, buildDnsListener(view, domain)),
  }
  const listeners = view.listeners.flatMap(({ port, addresses }) => {
    const named = ports.get(port)?.named
    if (named === undefined) return []
    const input = { addresses, named: { ...named, tcp: named.tcp?.to } }
    const build = () => encode(ListenerSchema, buildNameListener(named, addresses))
    return { type: LISTENER, name: nameListener(port), input, build }
  })
  return [...(view.addresses.length === 0 ? [] : [dns]), ...listeners]
}

function hostRecipes(host: MeshHost, mesh: Mesh, settings: ResourceSettings): readonly Recipe[] {
  const inbound = {
    type: LISTENER,
    name: INBOUND_LISTENER,
    input: { inbound: host.inbound, ports: host.ports, trustDomain: mesh.trustDomain },
    build: () => encode(ListenerSchema, buildInboundListener(host, mesh.trustDomain)),
  }
  const upstreams = host.upstreams.flatMap((upstream) => {
    const named = mesh.ports.get(upstream.target)?.named
    if (named === undefined) return []
    const input = { upstream, named: { ...named, tcp: named.tcp?.to } }
    const build = () => encode(ListenerSchema, buildUpstreamListener(upstream, named, upstream.as))
    return { type: LISTENER, name: upstream.name, input, build }
  })
  return [
    ...(host.ports.length === 0 ? [] : [inbound]),
    ...upstreams,
    ...host.ports.flatMap((port) => portRecipes(port, mesh.ports.get(port.name), settings)),
  ]
}

function portRecipes(port: InboundPort, meshPort: MeshPort | undefined, settings: ResourceSettings): readonly Recipe[] {
  const recipes: Recipe[] = [
    {
      type: CLUSTER,
      name: applicationCluster(port.name),
      input: port,
      build: () => encode(ClusterSchema, buildApplicationCluster(port)),
    },
  ]
  const { inbound, allowList } = meshPort ?? {}
  if (inbound !== undefined) {
    const build = () => encode(RouteConfigurationSchema, buildInboundRoutes(inbound))
    recipes.push({ type: ROUTE, name: inboundRouteName(port.name), input: inbound.access, build })
  }
  if (allowList !== undefined) {
    const name = allowSecret(port.name)
    const { trustBundlePem } = settings
    const value = () => allowContext(trustBundlePem, allowList.principals)
    const build = () =>
      encode(SecretSchema, create(SecretSchema, { name, type: { case: 'validationContext', value: value() } }))
    recipes.push({ type: SECRET, name, input: { trustBundlePem, principals: allowList.principals }, build })
  }
  return recipes
}
