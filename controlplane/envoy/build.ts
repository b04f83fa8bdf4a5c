import { JoinedMap } from '../../common/joined-map.js'
import { atOnce, type Steps } from '../../common/memo/steps.js'
import type { Publication, ResourceSet } from '../../common/xds/resource.js'
import type { Mesh, MeshHost } from '../mesh/mesh.js'
import { GRPC_LAYER, grpcClient, grpcPorts, grpcRecipes, leadsTo } from './grpc-client.js'
import { type Insides, insideOf } from './inside.js'
import { joinParts, type Layer, layerOf } from './layer.js'
import type { Recipe, ResourceMemo } from './memo.js'
import {
  hostRecipes,
  identityRecipes,
  nameRecipes,
  portsCalled,
  type ResourceSettings,
  sharedRecipes,
} from './recipes.js'

/** The layer of what every host sees. */
export const SHARED_LAYER = 'shared'

/**
 * Translates the mesh into what xDS serves: a shared layer (clusters, endpoints, outbound routes), a layer for each view
 * of names (their listeners and DNS), one for each identity other than the caller's that declared upstreams need, and a
 * small one for each host.
 */
export function buildResources(mesh: Mesh, settings: ResourceSettings, memo: ResourceMemo): Publication {
  return atOnce(resourceSteps(mesh, settings, memo))
}

/** {@link buildResources} in steps. What is equal to the result of the last translation with this memo is the same object. */
export function* resourceSteps(mesh: Mesh, settings: ResourceSettings, memo: ResourceMemo): Steps<Publication> {
  const insides = yield* insidesOf(mesh, memo)
  const shared = yield* sharedLayer(mesh, memo)
  const names = yield* nameLayers(mesh, insides, memo)
  const identities = yield* identityLayers(mesh, memo)
  const hosts = yield* memo.hostLayers.steps([mesh.hosts, insides, mesh.trustDomain, settings.trustBundlePem], () =>
    hostLayers(mesh, insides, settings, memo),
  )
  const grpc = yield* grpcLayer(mesh, memo)
  return {
    layers: memo.layers.get(
      [shared, names, identities, hosts, grpc],
      () =>
        new JoinedMap([
          byName([shared, ...names, ...identities]),
          memo.hostsByName.get([hosts], () => byName(hosts)),
          byName(grpc.set.size === 0 ? [] : [grpc]),
        ]),
    ),
    clients: memo.clients.get([mesh.hosts], () => new Map([...mesh.hosts.values()].flatMap(clientsOf))),
  }
}

function byName(layers: readonly Layer[]): ReadonlyMap<string, ResourceSet> {
  const byName = new Map<string, ResourceSet>()
  for (const { name, set } of layers) byName.set(name, set)
  return byName
}

function* insidesOf({ ports }: Mesh, memo: ResourceMemo): Steps<Insides> {
  const insides = yield* memo.insides.each([...ports.values()], {
    key: ({ named }) => named.name,
    inputs: ({ named, inbound, allowList }) => [named, inbound, allowList],
    context: [],
    make: insideOf,
  })
  return memo.insidesByName.get([insides], () => new Map(insides.map((inside) => [inside.named.name, inside])))
}

function* sharedLayer({ ports }: Mesh, memo: ResourceMemo): Steps<Layer> {
  const parts = yield* memo.shared.parts.each([...ports.values()], {
    key: ({ named }) => named.name,
    inputs: (port) => [port],
    context: [],
    steps: (port) => memo.resources(sharedRecipes(port)),
  })
  return memo.shared.layer.get([parts], (before) => joinParts(SHARED_LAYER, parts, before))
}

function nameLayers({ nameViews, domain }: Mesh, insides: Insides, memo: ResourceMemo): Steps<readonly Layer[]> {
  return memo.names.each([...nameViews.values()], {
    key: ({ key }) => key,
    inputs: (view) => [view, insides, domain],
    context: [insides, domain],
    steps: (view) => layerSteps(`names:${view.key}`, nameRecipes(view, insides, domain), memo),
  })
}

function* identityLayers({ hosts, ports }: Mesh, memo: ResourceMemo): Steps<readonly Layer[]> {
  const targets = memo.targets.get([hosts], () => targetsByIdentity(hosts))
  const callers = [...targets].map(([as, names]) => ({ as, called: portsCalled(names, ports) }))
  return yield* memo.identities.each(callers, {
    key: ({ as }) => as,
    inputs: ({ called }) => [called.targets.length, ...called.targets, ...called.reached],
    steps: ({ as, called }) => layerSteps(`as:${as}`, identityRecipes(as, called), memo),
  })
}

function hostLayers(
  { hosts, trustDomain }: Mesh,
  insides: Insides,
  settings: ResourceSettings,
  memo: ResourceMemo,
): Steps<readonly Layer[]> {
  return memo.hosts.each([...hosts.values()], {
    key: ({ name }) => name,
    inputs: (host) => [host, trustDomain, settings.trustBundlePem, ...portsOf(host).map((port) => insides.get(port))],
    context: [insides, trustDomain, settings.trustBundlePem],
    steps: (host) => layerSteps(`host:${host.name}`, hostRecipes(host, insides, trustDomain, settings), memo),
  })
}

/** Names of the ports that a host serves or has an upstream for. */
function portsOf({ inbound, upstreams }: MeshHost): readonly string[] {
  return [...inbound.flatMap(({ ports }) => ports.map(({ name }) => name)), ...upstreams.map(({ target }) => target)]
}

function* grpcLayer({ ports, domain }: Mesh, memo: ResourceMemo): Steps<Layer> {
  const parts = yield* memo.grpc.parts.each(grpcPorts(ports), {
    key: ({ named }) => named.name,
    inputs: (port) => [port, domain, ...leadsTo(port, ports)],
    steps: (port) => memo.resources(grpcRecipes(port, leadsTo(port, ports), domain)),
  })
  return memo.grpc.layer.get([parts], (before) => joinParts(GRPC_LAYER, parts, before))
}

function* layerSteps(name: string, recipes: readonly Recipe[], memo: ResourceMemo): Steps<Layer> {
  return layerOf(name, yield* memo.resources(recipes))
}

/** Bytes differ although a memo said that nothing changed: a builder reads something that its recipe does not name. */
export class StaleResource extends Error {
  readonly resource: string

  constructor(layer: string, type: string, name: string) {
    super(`${type} ${name} in ${layer} is stale: made anew it has other bytes`)
    this.resource = name
  }
}

/** Compares all layers of two publications, with the order of the resources in them. @throws StaleResource */
export function requireEqualResources(wanted: Publication, given: Publication): void {
  requireEqual(wanted, given)
  requireEqual(given, wanted)
}

function requireEqual(wanted: Publication, given: Publication): void {
  for (const [layer, set] of wanted.layers) {
    for (const [type, resources] of set) {
      for (const [name, { version }] of resources) {
        if (given.layers.get(layer)?.get(type)?.get(name)?.version === version) continue
        throw new StaleResource(layer, type, name)
      }
    }
  }
}

/** The clients of one host: its Envoy, and applications with a gRPC that speaks xDS. */
function clientsOf(host: MeshHost): readonly (readonly [string, readonly string[]])[] {
  return [
    [host.name, layersOf(host)],
    [grpcClient(host.name), GRPC_LAYERS],
  ]
}

const GRPC_LAYERS: readonly string[] = [GRPC_LAYER]

function layersOf({ name, nameView, upstreams }: MeshHost): readonly string[] {
  const identities = [...new Set(upstreams.flatMap(({ as }) => as ?? []))].sort()
  return [
    `host:${name}`,
    ...(nameView === undefined ? [] : [`names:${nameView}`]),
    ...identities.map((service) => `as:${service}`),
    SHARED_LAYER,
  ]
}

/** What declared upstreams call with an identity of their own: by that identity, the named ports. Sorted. */
function targetsByIdentity(hosts: Mesh['hosts']): ReadonlyMap<string, readonly string[]> {
  const targets = new Map<string, Set<string>>()
  for (const { as, target } of [...hosts.values()].flatMap(({ upstreams }) => upstreams)) {
    if (as !== undefined) targets.set(as, (targets.get(as) ?? new Set()).add(target))
  }
  const sorted = [...targets].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(sorted.map(([service, ports]) => [service, [...ports].sort()]))
}
