import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { create, toBinary } from '@bufbuild/protobuf'
import { HoldBack } from '../../agent/relay/hold-back.js'
import { Relay, type RelayStatus } from '../../agent/relay/relay.js'
import { Latest, waitFor } from '../../common/latest.js'
import { ClusterSchema } from '../../common/proto/envoy/config/cluster/v3/cluster_pb.js'
import type { Resource, ResourceSet } from '../../common/xds/resource.js'
import { CLUSTER } from '../../common/xds/types.js'
import { atEnd } from '../lab/at-end.js'
import { envoyOrSkip } from '../lab/envoy.js'
import { EnvoyFixture } from '../xds/envoy-fixture.js'
import { resourceSet } from '../xds/mesh-model.js'

test('two Envoys on one relay, as in a hot restart', async (t) => {
  const binary = await envoyOrSkip(t)
  if (binary === undefined) return
  const directory = await mkdtemp(join(tmpdir(), 'two-envoys-'))
  atEnd(t, () => rm(directory, { recursive: true, force: true }))
  const socket = join(directory, 'xds.sock')
  const upstream = new Latest<ResourceSet>(resourceSet(cluster('a', 1), cluster('b', 1)))
  const relay = new Relay({
    socket,
    upstream: new HoldBack(upstream),
    own: new Latest<ResourceSet>(new Map()),
    serving: new Latest(true),
    observer: { pushed: nothing, answered: nothing, delivered: nothing },
  })
  const stop = new AbortController()
  const running = (await relay.listen())(stop.signal)
  atEnd(t, async () => {
    stop.abort()
    await running
  })
  const start = (name: string, strict: boolean) => {
    const envoy = new EnvoyFixture(binary, { directory, socket }, { name, strict })
    atEnd(t, () => envoy[Symbol.asyncDispose]())
    return envoy
  }
  const strict = start('strict', true)
  const lenient = start('lenient', false)
  const status = (holds: (status: RelayStatus) => boolean) => waitFor(relay.status, holds, AbortSignal.timeout(20_000))
  const acknowledged = (count: number) => status((all) => all.subscribed === count && all.acknowledged === count)

  await t.test('each is given everything, and what they acknowledge adds up', async () => {
    for (const envoy of [strict, lenient]) await uses(envoy, { a: 1, b: 1 })
    await acknowledged(4)
    upstream.set(resourceSet(cluster('a', 2), cluster('b', 1)))
    for (const envoy of [strict, lenient]) await uses(envoy, { a: 2, b: 1 })
    await acknowledged(4)
  })

  await t.test('what one refuses keeps later changes from neither', async () => {
    upstream.set(resourceSet(cluster('a', 2), { ...cluster('b', 3), bytes: withUnknownField(cluster('b', 3).bytes) }))
    const { refused } = await status((all) => all.refused.length > 0)
    assert.deepEqual(
      refused.map(({ name }) => name),
      ['b'],
    )
    upstream.set(resourceSet(cluster('a', 4), upstream.value.get(CLUSTER)?.get('b') ?? cluster('b', 0)))
    for (const envoy of [strict, lenient]) await uses(envoy, { a: 4, b: 1 })
    await acknowledged(4)
  })

  await t.test('when one dies, the other goes on alone', async () => {
    await strict[Symbol.asyncDispose]()
    await acknowledged(2)
    upstream.set(resourceSet(cluster('a', 5)))
    await uses(lenient, { a: 5 })
    await acknowledged(1)
  })
})

const nothing = () => undefined

/** A cluster whose version is its connect timeout in seconds. */
function cluster(name: string, version: number): Resource {
  const message = create(ClusterSchema, { name, connectTimeout: { seconds: BigInt(version) } })
  return { type: CLUSTER, name, version: String(version), bytes: toBinary(ClusterSchema, message) }
}

/** A message with a field of a later Envoy. */
function withUnknownField(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.from('c0f80401', 'hex')])
}

/** Asks an Envoy until it uses these versions, for at most 20 s; each question is a round trip. */
async function uses(envoy: EnvoyFixture, wanted: Readonly<Record<string, number>>): Promise<void> {
  const signal = AbortSignal.timeout(20_000)
  for (;;) {
    const found = await versions(envoy).catch(() => ({}))
    if (isDeepStrictEqual(found, wanted)) return
    if (signal.aborted) assert.deepEqual(found, wanted)
  }
}

async function versions(envoy: EnvoyFixture): Promise<Readonly<Record<string, number>>> {
  const { configs } = await envoy.configDump()
  type Dumped = { readonly cluster: { readonly name: string; readonly connect_timeout: string } }
  const clusters = configs.flatMap((config) => (config['dynamic_active_clusters'] ?? []) as readonly Dumped[])
  return Object.fromEntries(clusters.map(({ cluster: one }) => [one.name, Number.parseInt(one.connect_timeout, 10)]))
}
