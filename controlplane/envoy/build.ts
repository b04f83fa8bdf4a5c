import type { Publication, ResourceSet } from '../../common/xds/resource.js'
import type { Mesh, MeshHost } from '../mesh/mesh.js'
import { GRPC_LAYER, grpcClient, grpcRecipes } from './grpc-client.js'
import { type Recipe, ResourceMemo } from './memo.js'
import { hostRecipes, identityRecipes, nameRecipes, type ResourceSettings, sharedRecipes } from './recipes.js'

/** The layer of what every host sees. */
export const SHARED_LAYER = 'shared'

/**
 * Translates the mesh into what xDS serves: a shared layer (clusters, endpoints, outbound routes), a layer for each view
 * of names (their listeners and DNS), one for each identity other than the caller's that declared upstreams need, and a
 * small one for each host.
 */
export function buildResources(mesh: Mesh, settings: ResourceSettings, memo: ResourceMemo): Publication {
  return memo.round(() => {
    const layers = new Map<string, ResourceSet>()
    const add = (layer: string, recipes: readonly Recipe[]) => layers.set(layer, memo.layer(layer, recipes))
    add(SHARED_LAYER, sharedRecipes(mesh))
    for (const view of mesh.nameViews.values()) add(`names:${view.key}`, nameRecipes(view, mesh))
    for (const [service, targets] of targetsByIdentity(mesh)) {
      add(`as:${service}`, identityRecipes(service, targets, mesh))
    }
    for (const host of mesh.hosts.values()) add(`host:${host.name}`, hostRecipes(host, mesh, settings))
    const grpc = grpcRecipes(mesh)
    if (grpc.length > 0) add(GRPC_LAYER, grpc)
    return { layers, clients: new Map([...mesh.hosts.values()].flatMap(clientsOf)) }
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
  requireEqualResources(buildResources(mesh, settings, new ResourceMemo()), publication)
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
function targetsByIdentity(mesh: Mesh): ReadonlyMap<string, readonly string[]> {
  const targets = new Map<string, Set<string>>()
  for (const { as, target } of [...mesh.hosts.values()].flatMap(({ upstreams }) => upstreams)) {
    if (as !== undefined) targets.set(as, (targets.get(as) ?? new Set()).add(target))
  }
  const sorted = [...targets].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(sorted.map(([service, ports]) => [service, [...ports].sort()]))
}
