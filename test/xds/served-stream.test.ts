import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Latest } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import type { Clock } from '../../common/xds/clock.js'
import type { RefusedResource, StreamRefusal } from '../../common/xds/refusal.js'
import type { Publication } from '../../common/xds/resource.js'
import type { XdsCall } from '../../common/xds/served-stream.js'
import { XdsServer } from '../../common/xds/server.js'
import { CLUSTER, ENDPOINT, LISTENER } from '../../common/xds/types.js'
import { decodeResponse, encodeRequest, type Node } from '../../common/xds/wire.js'
import { publish, service, testResource } from './mesh-model.js'

describe('a stream between a server and its transport', () => {
  it('writes nothing while the client does not read, and only the newest when it does', async () => {
    const { publication, call, stream } = serve(publish(service('a')))
    call.writable = false
    stream.receive(encodeRequest({ node: { id: 'client' }, typeUrl: CLUSTER }))
    for (const version of ['2', '3', '4']) publication.set(publish(service('a', version)))
    await turn()
    deepEqual(call.sent, [])
    call.writable = true
    stream.send()
    deepEqual(call.sent, ['a@4'])
  })

  it('sends what had to wait when the clock says so, without being asked', () => {
    const { publication, call, clock, stream } = serve(publish(service('a')))
    for (const typeUrl of [CLUSTER, LISTENER]) stream.receive(encodeRequest({ node: { id: 'client' }, typeUrl }))
    deepEqual(call.sent, ['a@1'], 'the listener waits for the answer about the cluster')
    equal(clock.waiting?.ms, 5_000)
    clock.time = 5_000
    clock.waiting?.callback()
    deepEqual(call.sent, ['a@1', 'a@1'])
    equal(publication.value.clients.size, 1)
  })

  it('asks who the client is once, and again only when the client says something new of itself', () => {
    const { nodes, stream, call } = serve(publish([]))
    const node = { id: 'client', cluster: 'x' }
    stream.receive(encodeRequest({ node, typeUrl: CLUSTER }))
    stream.receive(encodeRequest({ node, typeUrl: ENDPOINT, resourceNamesSubscribe: ['a'] }))
    stream.receive(encodeRequest({ typeUrl: ENDPOINT, resourceNamesSubscribe: ['b'] }))
    equal(nodes.length, 1)
    stream.receive(encodeRequest({ node: { ...node, cluster: 'y' }, typeUrl: ENDPOINT }))
    deepEqual(
      nodes.map((seen) => seen?.cluster),
      ['x', 'y'],
    )
    stream.receive(encodeRequest({ node: { ...node, id: 'another' }, typeUrl: ENDPOINT }))
    equal(call.refusal?.status, 'INVALID_ARGUMENT')
  })

  it('reports what is refused, and when it no longer is', async () => {
    const { publication, stream, refused } = serve(publish([testResource(CLUSTER, 'a', '1')]))
    stream.receive(encodeRequest({ node: { id: 'client' }, typeUrl: CLUSTER }))
    stream.receive(encodeRequest({ typeUrl: CLUSTER, responseNonce: '1', errorDetail: { code: 3, message: 'no' } }))
    deepEqual(refused, ['client a: no'])
    publication.set(publish([]))
    await turn()
    deepEqual(refused, ['client a: no', 'client'])
  })

  it('ends one stream, and no more, when a request meets a bug', () => {
    const { call, stream, errors, again } = serve(publish([]))
    stream.receive(encodeRequest({ node: { id: 'bug' }, typeUrl: CLUSTER }))
    equal(call.refusal?.status, 'INTERNAL')
    equal(errors.length, 1)
    const other = again()
    other.stream.receive(encodeRequest({ node: { id: 'client' }, typeUrl: CLUSTER }))
    equal(other.call.refusal, undefined)
  })

  it('touches only the streams whose client sees what has changed', async () => {
    const first = serve(publish(service('a'), ['client']))
    const layers = new Map([
      ...publish(service('a')).layers,
      ['other', publish(service('b')).layers.get('all') ?? new Map()],
    ])
    const clients = new Map([
      ['client', ['all']],
      ['second', ['other']],
    ])
    first.publication.set({ layers, clients })
    const second = first.again()
    for (const [{ stream }, id] of [
      [first, 'client'],
      [second, 'second'],
    ] as const) {
      stream.receive(encodeRequest({ node: { id }, typeUrl: CLUSTER }))
    }
    const changed = new Map([[CLUSTER, new Map([['b', testResource(CLUSTER, 'b', '2')]])]])
    const asked = { first: first.call.asked, second: second.call.asked }
    second.stream.receive(encodeRequest({ typeUrl: CLUSTER, responseNonce: '1' }))
    first.publication.set({ layers: new Map(layers).set('other', changed), clients })
    await turn()
    deepEqual([first.call.sent, second.call.sent], [['a@1'], ['b@1', 'b@2']])
    equal(first.call.asked, asked.first, 'the first stream was not even looked at')
  })

  it('keeps what a client has when a publication no longer lists it, and goes on when one does again', async () => {
    const { publication, call, stream } = serve(publish(service('a')))
    stream.receive(encodeRequest({ node: { id: 'client' }, typeUrl: CLUSTER }))
    stream.receive(encodeRequest({ typeUrl: CLUSTER, responseNonce: '1' }))
    publication.set(publish([...service('a', '2'), ...service('b')], []))
    await turn()
    deepEqual(call.sent, ['a@1'])
    publication.set(publish([...service('a', '2'), ...service('b')]))
    await turn()
    deepEqual(call.sent, ['a@1', 'a@2', 'b@1'])
  })
})

/** A server with one stream over a transport that only notes what is written. */
function serve(initial: Publication) {
  const publication = new Latest(initial)
  const clock = new FakeClock()
  const errors: string[] = []
  const nodes: (Node | undefined)[] = []
  const identify = (node: Node | undefined) => {
    nodes.push(node)
    if (node?.id === 'bug') throw new TypeError('no such thing')
    return node?.id ?? ''
  }
  const refused: string[] = []
  const onRefused = (client: string, all: readonly RefusedResource[]) => {
    refused.push([client, ...all.map(({ name, error }) => `${name}: ${error}`)].join(' '))
  }
  const server = new XdsServer<undefined>(publication, {
    identify,
    clock,
    onRefused,
    log: { ...silentLog, error: (text) => errors.push(text) },
  })
  const again = () => {
    const call = new FakeCall()
    return { call, stream: server.serve(call) }
  }
  return { publication, clock, nodes, refused, errors, again, ...again() }
}

class FakeCall implements XdsCall<undefined> {
  readonly peer = undefined
  readonly sent: string[] = []
  asked = 0
  refusal: StreamRefusal | undefined
  #writable = true

  get writable(): boolean {
    this.asked++
    return this.#writable
  }

  set writable(writable: boolean) {
    this.#writable = writable
  }

  write(message: Uint8Array): void {
    for (const { name, version } of decodeResponse(message).resources) this.sent.push(`${name}@${version}`)
  }

  end(refusal: StreamRefusal): void {
    this.refusal = refusal
  }
}

class FakeClock implements Clock {
  time = 0
  waiting: { readonly ms: number; readonly callback: () => void } | undefined

  now(): number {
    return this.time
  }

  after(ms: number, callback: () => void): () => void {
    this.waiting = { ms, callback }
    return () => undefined
  }
}

/** Lets the server's fan-out have its turn of the event loop, which was asked for before. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
