import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { AddressSchema } from '../../common/proto/envoy/config/core/v3/address_pb.js'
import { SubstitutionFormatStringSchema } from '../../common/proto/envoy/config/core/v3/substitution_format_string_pb.js'
import { LbEndpointSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_components_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../common/proto/envoy/config/listener/v3/listener_pb.js'
import { RBACSchema } from '../../common/proto/envoy/config/rbac/v3/rbac_pb.js'
import {
  HeaderMatcherSchema,
  RetryPolicySchema,
  RouteActionSchema,
} from '../../common/proto/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../../common/proto/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../../common/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { encode, type Given } from '../../common/protobuf/encode.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import { buildResources } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import { readCases } from '../golden/case.js'

const given = <S extends DescMessage>(what: string, schema: S, init: MessageInitShape<S>) => ({ what, schema, init })

const CASES = [
  given('nothing', ClusterSchema, {}),
  given('scalars that are absent when zero', ClusterSchema, { name: '', altStatName: 'a', lbPolicy: 0 }),
  given('a oneof of zero', ClusterSchema, { clusterDiscoveryType: { case: 'type', value: 0 } }),
  given('a oneof without a case', ClusterSchema, { clusterDiscoveryType: { case: undefined } }),
  given('fields that are given as undefined', RouteActionSchema, { timeout: undefined, prefixRewrite: 'a' }),
  given('fields in another order than their numbers', AddressSchema, {
    address: {
      case: 'socketAddress',
      value: { ipv4Compat: true, portSpecifier: { case: 'portValue', value: 0 }, address: 'ä' },
    },
  }),
  given('wrappers, also of zero', LbEndpointSchema, { loadBalancingWeight: 0, healthStatus: 2 }),
  given('a wrapper in a oneof', RetryPolicySchema, { numRetries: 3, perTryTimeout: { seconds: 2n, nanos: 5 } }),
  given('a list of packed numbers', RetryPolicySchema, { retriableStatusCodes: [500, 503, 70_000] }),
  given('a list of texts, one of them empty', RouteConfigurationSchema, { internalOnlyHeaders: ['a', '', 'b'] }),
  given('a map of messages', RBACSchema, {
    policies: { b: {}, a: { permissions: [{ rule: { case: 'any', value: true } }] } },
  }),
  given('JSON', SubstitutionFormatStringSchema, {
    format: { case: 'jsonFormat', value: { a: 'b', c: [1, null, { d: true }] } },
  }),
  given('64 bits', RetryPolicySchema, { hostSelectionRetryMaxAttempts: -5n }),
  given('flags', HeaderMatcherSchema, { name: 'a', invertMatch: true, treatMissingHeaderAsEmpty: false }),
  given('fractions', ClusterSchema, { commonLbConfig: { healthyPanicThreshold: { value: 0.5 } } }),
] as const

for (const { what, schema, init } of CASES) {
  test(`${what}: as the library writes it`, () => {
    const wanted = toBinary(schema, create(schema, init as MessageInitShape<typeof schema>))
    assert.deepEqual(Buffer.from(encode(schema, init as Given<typeof schema>)), Buffer.from(wanted))
  })
}

test('a field that does not exist is refused', () => {
  assert.throws(
    () => encode(ClusterSchema, { nmae: 'a' } as Given<typeof ClusterSchema>),
    /^TypeError: there is no field nmae$/,
  )
})

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  [CLUSTER]: ClusterSchema,
  [ENDPOINT]: ClusterLoadAssignmentSchema,
  [LISTENER]: ListenerSchema,
  [ROUTE]: RouteConfigurationSchema,
  [SECRET]: SecretSchema,
}

test('whole messages, those of all golden cases: as the library writes them', async () => {
  const seen = new Set<string>()
  for (const { mesh } of await readCases()) {
    const { layers } = buildResources(mesh, { trustBundlePem: 'roots' }, new ResourceMemo())
    for (const { type, bytes } of [...layers.values()].flatMap((set) =>
      [...set.values()].flatMap((some) => [...some.values()]),
    )) {
      const schema = SCHEMAS[type]
      assert.ok(schema, type)
      const message = fromBinary(schema, bytes)
      assert.deepEqual(Buffer.from(encode(schema, message)), Buffer.from(toBinary(schema, message)))
      seen.add(type)
    }
  }
  assert.equal(seen.size, Object.keys(SCHEMAS).length)
})
