import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STREAM_LIMITS } from '../../common/xds/limits.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { testResource } from './mesh-model.js'
import { StreamFixture } from './stream-fixture.js'

const cluster = (name: string, version = '1') => testResource(CLUSTER, name, version)
const endpoint = (name: string, version = '1') => testResource(ENDPOINT, name, version)

describe('subscriptions of a delta stream', () => {
  it('takes a first request without names as a subscription to everything', () => {
    const stream = new StreamFixture().publish([cluster('a'), cluster('b')]).request(CLUSTER)
    deepEqual(stream.sent(), ['cluster +a@1 +b@1'])
  })

  it('takes * as a subscription to everything', () => {
    const stream = new StreamFixture().publish([endpoint('a')]).request(ENDPOINT, { subscribe: ['*'] })
    deepEqual(stream.sent(), ['endpoint +a@1'])
  })

  it('keeps the subscription to everything when names are added to it', () => {
    const stream = new StreamFixture().publish([cluster('a')]).request(CLUSTER)
    stream.settle()
    stream.request(CLUSTER, { subscribe: ['b'] }).publish([cluster('a'), cluster('b'), cluster('c')])
    deepEqual(stream.sent(), ['cluster +b@1 +c@1'])
  })

  it('does not take a later request without names as a subscription to everything', () => {
    const stream = new StreamFixture().publish([endpoint('a'), endpoint('b')]).request(ENDPOINT, { subscribe: ['a'] })
    stream.settle()
    stream.request(ENDPOINT, { unsubscribe: ['a'] }).request(ENDPOINT)
    deepEqual(stream.sent(), [])
    stream.publish([endpoint('a', '2'), endpoint('b', '2')])
    deepEqual(stream.sent(), [])
  })

  it('sends only named resources after * is unsubscribed, and does not report the others as removed', () => {
    const stream = new StreamFixture().publish([endpoint('a'), endpoint('b')])
    stream.request(ENDPOINT, { subscribe: ['*', 'a'] })
    deepEqual(stream.settle(), ['endpoint +a@1 +b@1'])
    stream.request(ENDPOINT, { unsubscribe: ['*'] })
    deepEqual(stream.sent(), [])
    stream.publish([endpoint('a', '2'), endpoint('b', '2')])
    deepEqual(stream.sent(), ['endpoint +a@2'])
  })

  it('sends everything again to a client that has left * and comes back to it', () => {
    const stream = new StreamFixture().publish([endpoint('a')]).request(ENDPOINT, { subscribe: ['*'] })
    stream.settle()
    stream.request(ENDPOINT, { unsubscribe: ['*'] }).request(ENDPOINT, { subscribe: ['*'] })
    deepEqual(stream.sent(), ['endpoint +a@1'])
  })

  it('tells a client that drops a name beside * whether * still means it', () => {
    const stream = new StreamFixture().publish([cluster('a')]).request(CLUSTER, { subscribe: ['*', 'a', 'gone'] })
    stream.settle()
    stream.request(CLUSTER, { unsubscribe: ['a', 'gone'] })
    deepEqual(stream.settle(), ['cluster +a@1 -gone'])
  })

  it('answers a subscription to everything of nothing with one empty response', () => {
    const stream = new StreamFixture().publish([]).request(LISTENER)
    deepEqual(stream.settle(), ['listener'])
    deepEqual(stream.settle(), [])
  })

  it('answers an unknown name at once, and sends the resource when there is one', () => {
    const stream = new StreamFixture().publish([]).request(ROUTE, { subscribe: ['a'] })
    deepEqual(stream.settle(), ['route -a'])
    deepEqual(stream.settle(), [])
    stream.publish([testResource(ROUTE, 'a', '1')])
    deepEqual(stream.settle(), ['route +a@1'])
  })

  it('sends a name again to a client that subscribes to it again', () => {
    const stream = new StreamFixture().publish([endpoint('a')]).request(ENDPOINT, { subscribe: ['a'] })
    stream.settle()
    stream.request(ENDPOINT, { subscribe: ['a'] })
    deepEqual(stream.settle(), ['endpoint +a@1'])
  })

  it('sends a name again to a client that subscribes to it again while it is on its way', () => {
    const stream = new StreamFixture().publish([endpoint('a')]).request(ENDPOINT, { subscribe: ['a'] })
    const [push] = stream.pushes()
    stream.request(ENDPOINT, { subscribe: ['a'] })
    deepEqual(stream.sent(), [])
    stream.request(ENDPOINT, { nonce: push?.nonce ?? '' })
    deepEqual(stream.settle(), ['endpoint +a@1'])
  })

  it('lets an unlisted client wait, and answers it when it is listed', () => {
    const stream = new StreamFixture().request(CLUSTER, { versions: { gone: '1', a: '1' } })
    deepEqual(stream.sent(), [])
    stream.publish([cluster('a'), cluster('b')])
    deepEqual(stream.settle(), ['cluster +b@1', 'cluster -gone'])
  })
})

describe('a new stream of a client that has something', () => {
  it('is sent only what differs, and told what is no more', () => {
    const stream = new StreamFixture().publish([cluster('same'), cluster('changed', '2'), cluster('new')])
    stream.request(CLUSTER, { versions: { same: '1', changed: '1', gone: '1' } })
    deepEqual(stream.settle(), ['cluster +changed@2 +new@1', 'cluster -gone'])
  })

  it('is sent nothing but one empty response when nothing has changed', () => {
    const stream = new StreamFixture().publish([cluster('a'), endpoint('a')])
    stream.request(CLUSTER, { versions: { a: '1' } }).request(ENDPOINT, { subscribe: ['a'], versions: { a: '1' } })
    deepEqual(stream.settle(), ['cluster'])
    ok(stream.delta.acknowledged)
  })

  it('is sent endpoints that it has when it asks for them before it asks for clusters, as a warming Envoy does', () => {
    const stream = new StreamFixture().publish([cluster('a'), endpoint('a')])
    stream.request(ENDPOINT, { subscribe: ['a'], versions: { a: '1' } })
    deepEqual(stream.sent(), ['endpoint +a@1'])
  })
})

describe('answers of a client', () => {
  it('lets one response of a type be unanswered, and sends then only the newest', () => {
    const stream = new StreamFixture().publish([cluster('a', '1')]).request(CLUSTER)
    const [push] = stream.pushes()
    for (const version of ['2', '3', '4']) stream.publish([cluster('a', version)])
    deepEqual(stream.sent(), [])
    deepEqual([...stream.delta.known(CLUSTER)], [])
    stream.request(CLUSTER, { nonce: push?.nonce ?? '' })
    deepEqual([...stream.delta.known(CLUSTER)], [['a', '1']])
    deepEqual(stream.sent(), ['cluster +a@4'])
  })

  it('sends nothing for what changed and changed back', () => {
    const stream = new StreamFixture().publish([cluster('a', '1'), cluster('b')]).request(CLUSTER)
    stream.settle()
    stream.publish([cluster('a', '2')]).publish([cluster('a', '1'), cluster('b')])
    deepEqual(stream.sent(), [])
  })

  it('ignores an answer with an older nonce, but not its subscriptions', () => {
    const stream = new StreamFixture().publish([endpoint('a'), endpoint('b')]).request(ENDPOINT, { subscribe: ['a'] })
    const [first] = stream.pushes()
    stream.request(ENDPOINT, { nonce: first?.nonce ?? '' }).publish([endpoint('a', '2'), endpoint('b')])
    const [second] = stream.pushes()
    stream.request(ENDPOINT, { nonce: first?.nonce ?? '', subscribe: ['b'] })
    deepEqual(stream.sent(), [])
    equal(stream.delta.known(ENDPOINT).get('a'), '1')
    stream.request(ENDPOINT, { nonce: second?.nonce ?? '' })
    deepEqual(stream.sent(), ['endpoint +b@1'])
  })

  it('ignores a stale refusal', () => {
    const stream = new StreamFixture().publish([cluster('a')]).request(CLUSTER)
    stream.settle()
    stream.request(CLUSTER, { nonce: '1', error: 'too late' })
    deepEqual(stream.delta.refused, [])
  })

  it('cuts a large type in pieces of which one follows the answer to the other', () => {
    const stream = new StreamFixture({ limits: { ...STREAM_LIMITS, responseBytes: 700 } })
    stream.publish(['a', 'b', 'c', 'd', 'e'].map((name) => cluster(name))).request(CLUSTER)
    const [first] = stream.pushes()
    equal(first?.resources.length, 2)
    deepEqual(stream.sent(), [])
    stream.request(CLUSTER, { nonce: first?.nonce ?? '' })
    deepEqual(stream.settle(), ['cluster +c@1 +d@1', 'cluster +e@1'])
  })
})

describe('refusals', () => {
  it('are kept with the client’s words, and what was refused is not sent again until it changes', () => {
    const stream = new StreamFixture().publish([cluster('a', 'good')]).request(CLUSTER)
    stream.settle()
    stream.publish([cluster('a', 'bad')])
    refuse(stream, 'no such thing')
    deepEqual(stream.sent(), [])
    deepEqual(stream.delta.refused, [{ type: CLUSTER, name: 'a', version: 'bad', error: 'no such thing' }])
    deepEqual([...stream.delta.known(CLUSTER)], [['a', 'good']])
    ok(!stream.delta.acknowledged)
    stream.publish([cluster('a', 'better')])
    equal(stream.delta.refused.length, 1, 'refused until the better one is accepted')
    deepEqual(stream.settle(), ['cluster +a@better'])
    deepEqual(stream.delta.refused, [])
    ok(stream.delta.acknowledged)
  })

  it('of several resources are isolated: each is sent alone, in order, and only the faulty one stands refused', () => {
    const stream = new StreamFixture().publish([cluster('a'), cluster('b', 'bad'), cluster('c')]).request(CLUSTER)
    refuse(stream, 'something is wrong')
    deepEqual(stream.delta.refused, [])
    const alone: string[] = []
    for (let [push] = stream.pushes(); push !== undefined; [push] = stream.pushes()) {
      const [resource] = push.resources
      alone.push(`${push.resources.length} ${resource?.name}`)
      const error = resource?.version === 'bad' ? { error: 'b is wrong' } : {}
      stream.request(CLUSTER, { nonce: push.nonce, ...error })
    }
    deepEqual(alone, ['1 a', '1 b', '1 c'])
    deepEqual(stream.delta.refused, [{ type: CLUSTER, name: 'b', version: 'bad', error: 'b is wrong' }])
    deepEqual([...stream.delta.known(CLUSTER).keys()], ['a', 'c'])
  })

  it('end when the refused resource is removed, and the client is told to remove what it had', () => {
    const stream = new StreamFixture().publish([cluster('a')]).request(CLUSTER)
    stream.settle()
    stream.publish([cluster('a', 'bad')])
    refuse(stream, 'no')
    stream.publish([])
    deepEqual(stream.delta.refused, [])
    deepEqual(stream.settle(), ['cluster -a'])
  })

  it('end when what the client has kept is published again', () => {
    const stream = new StreamFixture().publish([cluster('a')]).request(CLUSTER)
    stream.settle()
    stream.publish([cluster('a', 'bad')])
    refuse(stream, 'no')
    stream.publish([cluster('a')])
    deepEqual([stream.sent(), stream.delta.refused, stream.delta.acknowledged], [[], [], true])
  })

  it('of a resource do not hold up others of its type', () => {
    const stream = new StreamFixture().publish([cluster('a', 'bad')]).request(CLUSTER)
    refuse(stream, 'no')
    stream.publish([cluster('a', 'bad'), cluster('b')])
    deepEqual(stream.settle(), ['cluster +b@1'])
    deepEqual(stream.delta.status(), [{ type: CLUSTER, subscribed: 2, acknowledged: 1, refused: 1 }])
  })

  it('are void for a name that the client asks for again', () => {
    const stream = new StreamFixture().publish([endpoint('a', 'bad')]).request(ENDPOINT, { subscribe: ['a'] })
    refuse(stream, 'no')
    stream.request(ENDPOINT, { subscribe: ['a'] })
    deepEqual(stream.sent(), ['endpoint +a@bad'])
  })
})

describe('limits of a stream', () => {
  const limits = { ...STREAM_LIMITS, names: 3, nameLength: 100, types: 2, errorLength: 5 }
  const refused = (status: string) => (error: unknown) => error instanceof StreamRefusal && error.status === status

  it('counts names beside * that a client has dropped, for as long as it takes no answer', () => {
    const stream = new StreamFixture({ limits }).publish([]).request(CLUSTER)
    stream.sent()
    const turn = (name: string) =>
      stream.request(CLUSTER, { subscribe: [name] }).request(CLUSTER, { unsubscribe: [name] })
    for (const name of ['a', 'b', 'c']) turn(name)
    throws(() => turn('d'), refused('RESOURCE_EXHAUSTED'))
  })

  it('end it when it asks for too many names in one request or in many', () => {
    const many = new StreamFixture({ limits })
    throws(() => many.request(ENDPOINT, { subscribe: ['a', 'b', 'c', 'd'] }), refused('RESOURCE_EXHAUSTED'))
    throws(() => many.request(ENDPOINT, { versions: { a: '', b: '', c: '', d: '' } }), refused('RESOURCE_EXHAUSTED'))
    const versions = (...names: string[]) => Object.fromEntries(names.map((name) => [name, '1']))
    const returning = new StreamFixture({ limits }).request(CLUSTER, { versions: versions('a', 'b') })
    throws(() => returning.request(ENDPOINT, { versions: versions('c', 'd') }), refused('RESOURCE_EXHAUSTED'))
    const slowly = new StreamFixture({ limits }).request(ENDPOINT, { subscribe: ['a', 'b'] })
    throws(() => slowly.request(ROUTE, { subscribe: ['c', 'd'] }), refused('RESOURCE_EXHAUSTED'))
  })

  it('end it for names that are too long and types that are too many', () => {
    const stream = new StreamFixture({ limits })
    throws(() => stream.request(ENDPOINT, { subscribe: ['x'.repeat(101)] }), refused('INVALID_ARGUMENT'))
    throws(() => stream.request(''), refused('INVALID_ARGUMENT'))
    stream.request(CLUSTER).request(ENDPOINT)
    throws(() => stream.request(ROUTE), refused('RESOURCE_EXHAUSTED'))
  })

  it('bound what is kept of a client’s words', () => {
    const stream = new StreamFixture({ limits }).publish([cluster('a')]).request(CLUSTER)
    refuse(stream, 'x'.repeat(100_000))
    match(stream.delta.refused[0]?.error ?? '', /^x{5}$/)
  })
})

function refuse(stream: StreamFixture, error: string): void {
  const [push] = stream.pushes()
  ok(push !== undefined)
  stream.request(push.type, { nonce: push.nonce, error })
}
