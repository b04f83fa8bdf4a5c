import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { HttpConnectionManagerSchema } from '../../common/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import type { Publication } from '../../common/xds/resource.js'
import { LISTENER, ROUTE } from '../../common/xds/types.js'
import { buildResources } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import { readCases } from '../golden/case.js'

function resources(publication: Publication, type: string): readonly Uint8Array[] {
  return [...publication.layers.values()].flatMap((set) =>
    [...(set.get(type)?.values() ?? [])].map(({ bytes }) => bytes),
  )
}

/** The names of the HTTP filters by the route configuration that their chain asks for. */
function filtersByRoute(publication: Publication): ReadonlyMap<string, readonly string[]> {
  const managers = resources(publication, LISTENER)
    .flatMap((bytes) => fromBinary(ListenerSchema, bytes).filterChains)
    .flatMap(({ filters }) => filters)
    .flatMap(({ configType }) => (configType.case === 'typedConfig' ? configType.value : []))
    .flatMap((any) => anyUnpack(any, HttpConnectionManagerSchema) ?? [])
  return new Map(
    managers.flatMap(({ routeSpecifier, httpFilters }) =>
      routeSpecifier.case === 'rds'
        ? [[routeSpecifier.value.routeConfigName, httpFilters.map(({ name }) => name)]]
        : [],
    ),
  )
}

test('every per-route setting names a filter that is in the chain, since Envoy ignores others in silence', async () => {
  let settings = 0
  for (const { name, mesh } of await readCases()) {
    const publication = buildResources(mesh, { trustBundlePem: '' }, new ResourceMemo())
    const filters = filtersByRoute(publication)
    for (const bytes of resources(publication, ROUTE)) {
      const configuration = fromBinary(RouteConfigurationSchema, bytes)
      for (const { typedPerFilterConfig } of configuration.virtualHosts) {
        for (const filter of Object.keys(typedPerFilterConfig)) {
          settings++
          assert.ok(filters.get(configuration.name)?.includes(filter), `${name}: ${filter} of ${configuration.name}`)
        }
      }
    }
  }
  assert.ok(settings > 3)
})
