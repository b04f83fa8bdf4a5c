import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { constants } from 'node:http2'
import { describe, it } from 'node:test'
import { type ServiceError, status } from '@grpc/grpc-js'
import { Latest, waitFor } from '../../common/latest.js'
import { DeltaStreamError } from '../../common/xds/client.js'
import type { Clock } from '../../common/xds/clock.js'
import { STREAM_LIMITS } from '../../common/xds/limits.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import type { Resource } from '../../common/xds/resource.js'
import { ResourceStore } from '../../common/xds/store.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { encodeRequest } from '../../common/xds/wire.js'
import { DeafClient } from './deaf-client.js'
import { GrpcFixture } from './grpc-fixture.js'
import { publish, service, testResource } from './mesh-model.js'
import { RelayFixture, TYPES } from './relay-fixture.js'

describe('a relay and its server', { timeout: 30_000 }, () => {
  it('agree on everything that is published, changed and removed', async () => {
    await using server = await GrpcFixture.start()
    await using relay = new RelayFixture(server)
    server.publication.set(publish([...service('a'), ...service('b')], ['relay']))
    await relay.has('a', '1')
    server.publication.set(publish([...service('a', '2'), ...service('c')], ['relay']))
    await relay.has('c', '1')
    await relay.until((resources) => TYPES.every((type) => !resources.get(type)?.has('b')))
    for (const type of TYPES) {
      deepEqual(relay.versions(type), { a: '2', c: '1' })
      deepEqual(
        relay.store.resources.value.get(type)?.get('a')?.bytes,
        Buffer.from(service('a', '2').find((r) => r.type === type)?.bytes ?? []),
      )
    }
    await acknowledged(server)
    deepEqual(
      server.xds
        .statuses()[0]
        ?.types()
        .map(({ subscribed, acknowledged }) => [subscribed, acknowledged]),
      [
        [2, 2],
        [2, 2],
        [2, 2],
        [2, 2],
      ],
    )
  })

  it('are in step again after a broken stream, without one resource sent', async () => {
    await using server = await GrpcFixture.start()
    const store = new ResourceStore()
    const publication = publish([...service('a'), ...service('b')], ['relay'])
    {
      await using first = new RelayFixture(server, { store })
      server.publication.set(publication)
      await first.synced
      await acknowledged(server)
    }
    const before = store.resources.value
    await using second = new RelayFixture(server, { store })
    await second.synced
    equal(store.resources.value, before, 'the very same set: nothing was applied')
    equal(second.resourcesReceived, 0)
  })

  it('remove what went while the stream was down', async () => {
    await using server = await GrpcFixture.start()
    const store = new ResourceStore(publish(service('old')).layers.get('all'))
    server.publication.set(publish(service('a'), ['relay']))
    await using relay = new RelayFixture(server, { store })
    await relay.until((resources) =>
      TYPES.every((type) => !resources.get(type)?.has('old') && resources.get(type)?.has('a')),
    )
  })

  it('wait for each other until the relay is listed', async () => {
    await using server = await GrpcFixture.start()
    await using relay = new RelayFixture(server)
    await waitFor(server.xds.activity, (requests) => requests === TYPES.length, AbortSignal.timeout(5_000))
    deepEqual(
      server.xds.statuses().map(({ client, listed }) => [client, listed]),
      [['relay', false]],
    )
    server.publication.set(publish(service('a'), ['relay']))
    await relay.has('a', '1')
  })

  it('keep what is large in pieces that gRPC carries', async () => {
    await using server = await GrpcFixture.start()
    await using relay = new RelayFixture(server)
    const large = Array.from({ length: 12 }, (_, index) => ({
      ...testResource(CLUSTER, `c${index}`, '1'),
      bytes: new Uint8Array(600_000).fill(index),
    }))
    server.publication.set(publish(large, ['relay']))
    await relay.until((resources) => resources.get(CLUSTER)?.size === 12)
    ok(relay.largestMessage < 2 << 20, `a message of ${relay.largestMessage} bytes`)
  })

  it('skip what was published while the relay was not reading', async () => {
    await using server = await GrpcFixture.start()
    await using relay = new RelayFixture(server)
    server.publication.set(publish(service('a'), ['relay']))
    await relay.has('a', '1')
    await acknowledged(server)
    const seen = relay.seenVersions
    for (let version = 2; version <= 500; version++)
      server.publication.set(publish(service('a', `${version}`), ['relay']))
    await relay.has('a', '500')
    ok(relay.seenVersions - seen < 50, `${relay.seenVersions - seen} versions were sent of 499`)
  })

  it('share layers, the most specific first', async () => {
    await using server = await GrpcFixture.start()
    await using relay = new RelayFixture(server)
    const [shared, own] = [publish(service('a')).layers, publish([testResource(ENDPOINT, 'a', 'own')]).layers]
    const layers = new Map([
      ['shared', shared.get('all') ?? new Map()],
      ['own', own.get('all') ?? new Map()],
    ])
    server.publication.set({ layers, clients: new Map([['relay', ['own', 'shared']]]) })
    await relay.until((resources) => resources.get(ENDPOINT)?.get('a')?.version === 'own')
    server.publication.set({ layers, clients: new Map([['relay', ['shared']]]) })
    await relay.until((resources) => resources.get(ENDPOINT)?.get('a')?.version === '1')
  })
})

describe('a server over gRPC', { timeout: 30_000 }, () => {
  it('ends the stream of a client that it does not identify', async () => {
    await using server = await GrpcFixture.start({
      identify: () => {
        throw new StreamRefusal('PERMISSION_DENIED', 'who are you')
      },
    })
    await rejects(new RelayFixture(server).ended, withStatus(status.PERMISSION_DENIED, /who are you/))
  })

  it('ends the stream of a client that becomes another', async () => {
    await using server = await GrpcFixture.start()
    const call = server.open()
    call.write(encodeRequest({ node: { id: 'one' }, typeUrl: CLUSTER }))
    call.write(encodeRequest({ node: { id: 'one' }, typeUrl: LISTENER }))
    call.write(encodeRequest({ node: { id: 'two' }, typeUrl: ROUTE }))
    await rejects(
      readAll(call.messages),
      withStatus(status.INVALID_ARGUMENT, /the stream of one cannot become that of two/),
    )
    equal(server.xds.statuses().length, 0)
  })

  it('ends the stream of a client that sends no request but bytes', async () => {
    await using server = await GrpcFixture.start()
    const call = server.open()
    call.write(Buffer.from('ffffffffffff', 'hex'))
    await rejects(readAll(call.messages), withStatus(status.INVALID_ARGUMENT, /malformed/))
  })

  it('ends the stream of a client that asks for too many names', async () => {
    await using server = await GrpcFixture.start({ stream: { limits: { ...STREAM_LIMITS, names: 10 } } })
    const call = server.open()
    const names = Array.from({ length: 11 }, (_, index) => `n${index}`)
    call.write(encodeRequest({ node: { id: 'one' }, typeUrl: ENDPOINT, resourceNamesSubscribe: names }))
    await rejects(readAll(call.messages), withStatus(status.RESOURCE_EXHAUSTED, /11 names/))
  })

  it('forgets a client that goes', async () => {
    await using server = await GrpcFixture.start()
    server.publication.set(publish(service('a'), ['relay']))
    const relay = new RelayFixture(server)
    await relay.synced
    const stream = server.xds.statuses()
    equal(stream.length, 1)
    await relay[Symbol.asyncDispose]()
    await using other = new RelayFixture(server)
    await other.synced
    await waitFor(server.xds.activity, () => server.xds.statuses().length === 1, AbortSignal.timeout(5_000))
  })

  it('cuts a client that does not read', async () => {
    const timer = new Latest<(() => void) | undefined>(undefined)
    const clock: Clock = {
      now: () => 0,
      after(_, callback) {
        timer.set(callback)
        return () => undefined
      },
    }
    await using server = await GrpcFixture.start({}, { sendTimeout: 1_000, clock })
    server.publication.set(publish([large('1')], ['deaf']))
    using client = new DeafClient(server.connect())
    client.ask(CLUSTER)
    await waitFor(timer, (callback) => callback !== undefined, AbortSignal.timeout(5_000))
    timer.value?.()
    equal(server.xds.statuses().length, 0)
    equal(await client.closed(), constants.NGHTTP2_CANCEL)
  })

  it('holds one message for a client that does not read, and sends it the newest when it wakes up', async () => {
    await using server = await GrpcFixture.start()
    server.publication.set(publish([large('1'), testResource(ENDPOINT, 'l', '1')], ['deaf']))
    using client = new DeafClient(server.connect())
    client.ask(CLUSTER)
    client.ask(ENDPOINT)
    await waitFor(server.xds.activity, (requests) => requests === 2, AbortSignal.timeout(5_000))
    for (let version = 2; version < 100; version++) {
      server.publication.set(publish([large('1'), testResource(ENDPOINT, 'l', `${version}`)], ['deaf']))
    }
    client.wakeUp()
    const [first, second] = await client.messages(2)
    deepEqual(
      [first, second].map((message) => message?.resources.map(({ name, version }) => `${name}@${version}`)),
      [['a@1'], ['l@99']],
    )
  })
})

/** A cluster that no window of HTTP/2 holds. */
function large(version: string): Resource {
  return { ...testResource(CLUSTER, 'a', version), bytes: new Uint8Array(900_000) }
}

describe('a delta client', { timeout: 30_000 }, () => {
  it('refuses a response that is faulty in itself, and keeps its store', async () => {
    await using server = await GrpcFixture.start()
    await using relay = new RelayFixture(server)
    server.publication.set(publish([testResource(CLUSTER, 'a', '1'), { ...testResource(CLUSTER, 'b', '') }], ['relay']))
    await waitFor(server.xds.activity, () => server.xds.statuses()[0]?.refused.length === 1, AbortSignal.timeout(5_000))
    match(server.xds.statuses()[0]?.refused[0]?.error ?? '', /without name or version/)
    deepEqual(relay.versions(CLUSTER), { a: '1' })
  })

  it('throws when the server ends the stream, and returns when it is told to stop', async () => {
    await using server = await GrpcFixture.start()
    server.publication.set(publish(service('a'), ['relay']))
    const relay = new RelayFixture(server)
    await relay.synced
    server.xds.end(new StreamRefusal('UNAVAILABLE', 'moving house'), 'relay')
    await rejects(relay.ended, withStatus(status.UNAVAILABLE, /moving house/))
    const stopped = new RelayFixture(server)
    await stopped.synced
    await stopped[Symbol.asyncDispose]()
    await stopped.ended
  })
})

function acknowledged(server: GrpcFixture): Promise<number> {
  const all = () => server.xds.statuses().every((stream) => stream.acknowledged)
  return waitFor(server.xds.activity, all, AbortSignal.timeout(5_000))
}

function withStatus(code: status, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    const cause = (error instanceof DeltaStreamError ? error.cause : error) as ServiceError
    return cause.code === code && message.test(cause.details)
  }
}

async function readAll(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const message of messages) ok(message !== undefined)
}
