import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { waitFor } from '../../common/latest.js'
import { Cluster_DiscoveryType, ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { PUSH_ORDER, type PushStep } from '../../common/xds/order.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import type { Resource } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER } from '../../common/xds/types.js'
import { type ApiType, EnvoyFixture } from './envoy-fixture.js'
import { GrpcFixture } from './grpc-fixture.js'
import { publish } from './mesh-model.js'
import { RelayFixture } from './relay-fixture.js'

const binary = process.env['MESH_ENVOY_PATH']
const skip = binary === undefined && 'MESH_ENVOY_PATH does not name an Envoy binary'

/** What Envoy waits for endpoints of a warming cluster, in seconds; 15 unless a cluster says otherwise. */
const FETCH_TIMEOUT = 4

const WITHOUT_RESEND: readonly PushStep[] = PUSH_ORDER.map(({ resend: _, ...step }) => step)

describe('a real Envoy', () => {
  it('starts at once when there is nothing for it', { skip }, async () => {
    await using server = await GrpcFixture.start()
    server.publication.set(publish([], ['envoy']))
    await using envoy = new EnvoyFixture(binary ?? '', server)
    const start = performance.now()
    await acknowledged(server, envoy, LISTENER)
    ok(performance.now() - start < 10_000)
  })

  it('uses a changed cluster with unchanged endpoints at once, because these are sent again', { skip }, async () => {
    const { ms, warming } = await changeCluster(PUSH_ORDER)
    ok(ms < 2_000, `acknowledged after ${ms} ms`)
    equal(warming, 0)
  })

  it('would wait for its fetch timeout if they were not', { skip }, async () => {
    const { ms } = await changeCluster(WITHOUT_RESEND)
    ok(ms > FETCH_TIMEOUT * 900, `acknowledged after ${ms} ms`)
  })

  it('that loses its stream while a cluster warms is sent the endpoints on the next', { skip }, async () => {
    await using server = await GrpcFixture.start({ stream: { order: WITHOUT_RESEND } })
    await using envoy = await startWith(server, [cluster('a', '1', 15), endpoints('a')])
    server.publication.set(publish([cluster('a', '2', 15), endpoints('a')], ['envoy']))
    let warming = 0
    while (warming === 0) warming = await envoy.stat('cluster_manager.warming_clusters')
    const start = performance.now()
    server.xds.end(new StreamRefusal('UNAVAILABLE', 'a test'))
    await acknowledged(server, envoy, CLUSTER)
    const ms = performance.now() - start
    ok(ms < 8_000, `acknowledged after ${ms} ms`)
  })

  for (const apiType of ['DELTA_GRPC', 'GRPC'] as const) {
    it(`that speaks ${apiType} and is frozen holds up nobody, and has the newest when it thaws`, { skip }, () =>
      freeze(apiType),
    )

    it(`that speaks ${apiType} does not wait for endpoints that are not there`, { skip }, async () => {
      await using server = await GrpcFixture.start()
      await using envoy = await startWith(server, [], apiType)
      const start = performance.now()
      server.publication.set(publish([cluster('a', '1')], ['envoy']))
      await acknowledged(server, envoy, CLUSTER)
      ok(performance.now() - start < FETCH_TIMEOUT * 750)
      equal(await envoy.stat('cluster_manager.warming_clusters'), 0)
    })

    it(`that speaks ${apiType} uses the good ones of several clusters, and tells of the faulty one`, { skip }, () =>
      refuseOneOfThree(apiType),
    )
  }
})

/** Publishes five hundred changes while an Envoy is frozen. */
async function freeze(apiType: ApiType): Promise<void> {
  await using server = await GrpcFixture.start()
  const publishVersion = (version: number) => {
    const resources = [cluster('a', `${version}`), { ...endpoints('a'), version: `${version}` }]
    server.publication.set(publish(resources, ['envoy', 'relay']))
  }
  publishVersion(1)
  await using envoy = await startWith(server, [cluster('a', '1'), endpoints('a')], apiType)
  await using relay = new RelayFixture(server)
  publishVersion(1)
  await relay.synced
  const sent = () => server.xds.statuses().find(({ client }) => client === 'envoy')?.resourcesSent ?? 0
  envoy.freeze()
  const before = sent()
  try {
    for (let version = 2; version <= 500; version++) {
      publishVersion(version)
      await relay.until((resources) => resources.get(CLUSTER)?.get('a')?.version === `${version}`)
    }
    ok(sent() - before <= 4, `${sent() - before} resources were sent to a frozen Envoy`)
  } finally {
    envoy.thaw()
  }
  const newest = () => server.xds.statuses().every((stream) => stream.acknowledged)
  await waitUntil(server, envoy, newest)
  ok(sent() - before <= 10, `${sent() - before} resources were sent in all`)
  match(JSON.stringify(await envoy.configDump()), /"connect_timeout":"500s"/)
}

/** Publishes three clusters, one of them new and faulty. */
async function refuseOneOfThree(apiType: ApiType): Promise<void> {
  await using server = await GrpcFixture.start()
  await using envoy = await startWith(server, [cluster('a', '1'), endpoints('a')], apiType)
  const faulty = resource(CLUSTER, 'b', 'bad', ClusterSchema, {
    name: 'b',
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
  })
  const good = [cluster('a', '2'), cluster('c', '1'), endpoints('a'), endpoints('c')]
  server.publication.set(publish([...good, faulty], ['envoy']))
  await waitUntil(server, envoy, () => {
    const [stream] = server.xds.statuses()
    const clusters = stream?.types().find(({ type }) => type === CLUSTER)
    return clusters?.refused === 1 && clusters.acknowledged === 2
  })
  const refused = server.xds.statuses()[0]?.refused ?? []
  deepEqual(
    refused.map(({ name, version }) => [name, version]),
    [['b', 'bad']],
  )
  match(refused[0]?.error ?? '', /b: .*EDS/)
  equal(await envoy.stat('cluster_manager.warming_clusters'), 0)
  equal(await envoy.stat('cluster_manager.active_clusters'), 3)
}

/** Changes a cluster whose endpoints stay the same; tells how long it took Envoy to use it. */
async function changeCluster(order: readonly PushStep[]): Promise<{ readonly ms: number; readonly warming: number }> {
  await using server = await GrpcFixture.start({ stream: { order } })
  await using envoy = await startWith(server, [cluster('a', '1'), endpoints('a')])
  const start = performance.now()
  server.publication.set(publish([cluster('a', '2'), endpoints('a')], ['envoy']))
  await acknowledged(server, envoy, CLUSTER)
  return { ms: performance.now() - start, warming: await envoy.stat('cluster_manager.warming_clusters') }
}

async function startWith(
  server: GrpcFixture,
  resources: readonly Resource[],
  apiType: ApiType = 'DELTA_GRPC',
): Promise<EnvoyFixture> {
  server.publication.set(publish(resources, ['envoy']))
  const envoy = new EnvoyFixture(binary ?? '', server, { apiType })
  await acknowledged(server, envoy, LISTENER)
  return envoy
}

/** Waits until Envoy has subscribed to a type and acknowledged everything, which it does of clusters when they are warm. */
function acknowledged(server: GrpcFixture, envoy: EnvoyFixture, type: string): Promise<void> {
  return waitUntil(server, envoy, () => {
    const [stream] = server.xds.statuses()
    return stream?.acknowledged === true && stream.types().some((status) => status.type === type)
  })
}

async function waitUntil(server: GrpcFixture, envoy: EnvoyFixture, holds: () => boolean): Promise<void> {
  try {
    await waitFor(server.xds.activity, holds, AbortSignal.timeout(20_000))
  } catch (cause) {
    throw new Error(`Envoy did not get there: ${JSON.stringify(server.xds.statuses())}\n${envoy.log}`, { cause })
  }
}

function cluster(name: string, version: string, fetchTimeout = FETCH_TIMEOUT): Resource {
  return resource(CLUSTER, name, version, ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: {
      edsConfig: {
        configSourceSpecifier: { case: 'ads', value: {} },
        initialFetchTimeout: { seconds: BigInt(fetchTimeout) },
        resourceApiVersion: 2,
      },
    },
    connectTimeout: { seconds: BigInt(version) },
  })
}

function endpoints(name: string): Resource {
  const socketAddress = { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 9 } } as const
  return resource(ENDPOINT, name, '1', ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: [
          {
            hostIdentifier: {
              case: 'endpoint',
              value: { address: { address: { case: 'socketAddress', value: socketAddress } } },
            },
          },
        ],
      },
    ],
  })
}

function resource<Schema extends DescMessage>(
  type: string,
  name: string,
  version: string,
  schema: Schema,
  message: MessageInitShape<Schema>,
): Resource {
  return { type, name, version, bytes: toBinary(schema, create(schema, message)) }
}
