import { deepEqual, equal, notEqual, ok, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { namesIn } from '../../common/xds/blame.js'
import { STREAM_LIMITS } from '../../common/xds/limits.js'
import { StreamRefusal } from '../../common/xds/refusal.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import type { WorldPush } from '../../common/xds/whole-list.js'
import { service, testResource } from './mesh-model.js'
import { WorldFixture } from './world-fixture.js'

const cluster = (name: string, version = '1') => testResource(CLUSTER, name, version)
const endpoint = (name: string, version = '1') => testResource(ENDPOINT, name, version)

describe('subscriptions of a state-of-the-world stream', () => {
  it('takes a first request without names for everything, of clusters and listeners', () => {
    const stream = new WorldFixture().publish([cluster('a'), cluster('b'), testResource(LISTENER, 'l', '1')])
    stream.request(CLUSTER).request(LISTENER)
    deepEqual(stream.settle(), ['cluster a@1 b@1', 'listener l@1'])
    stream.publish([cluster('a'), cluster('b', '2'), cluster('c')])
    deepEqual(stream.settle(), ['cluster a@1 b@2 c@1', 'listener'])
  })

  it('takes a first request without names for nothing, of endpoints', () => {
    const stream = new WorldFixture().publish([endpoint('a')]).request(ENDPOINT)
    deepEqual(stream.sent(), [])
    stream.request(ENDPOINT, { names: ['a'] })
    deepEqual(stream.settle(), ['endpoint a@1'])
  })

  it('takes * for everything, and no names after it for nothing', () => {
    const stream = new WorldFixture().publish([cluster('a')]).request(CLUSTER, { names: ['*'] })
    deepEqual(stream.settle(), ['cluster a@1'])
    stream.request(CLUSTER, { names: [] }).publish([cluster('a', '2')])
    deepEqual(stream.sent(), [])
  })

  it('serves named clusters alone, with the others left out', () => {
    const stream = new WorldFixture().publish(['a', 'b', 'c'].map((name) => cluster(name)))
    stream.request(CLUSTER, { names: ['a', 'b'] })
    deepEqual(stream.settle(), ['cluster a@1 b@1'])
    stream.request(CLUSTER, { names: ['b', 'c'] })
    deepEqual(stream.settle(), ['cluster b@1 c@1'])
  })

  it('unsubscribes from what a shorter list leaves out', () => {
    const stream = new WorldFixture().publish([endpoint('a'), endpoint('b')])
    stream.request(ENDPOINT, { names: ['a', 'b'] }).settle()
    stream.request(ENDPOINT, { names: ['b'] }).publish([endpoint('a', '2'), endpoint('b', '2')])
    deepEqual(stream.settle(), ['endpoint b@2'])
  })

  it('sends of endpoints only what has changed', () => {
    const stream = new WorldFixture().publish([endpoint('a'), endpoint('b')])
    stream.request(ENDPOINT, { names: ['a', 'b'] }).settle()
    stream.publish([endpoint('a'), endpoint('b', '2')])
    deepEqual(stream.settle(), ['endpoint b@2'])
  })

  it('answers an unknown name at once: clusters by absence, endpoints and routes by an empty one', () => {
    const stream = new WorldFixture().publish([])
    for (const type of [CLUSTER, LISTENER, ENDPOINT, ROUTE]) stream.request(type, { names: ['x'] })
    deepEqual(stream.settle().toSorted(), ['cluster', 'endpoint x@nothing', 'listener', 'route x@nothing'])
    deepEqual(stream.settle(), [])
    stream.publish(service('x'))
    deepEqual(stream.settle().toSorted(), ['cluster x@1', 'endpoint x@1', 'listener x@1', 'route x@1'])
  })

  it('makes what stands for nothing a message with this name and no more', () => {
    const stream = new WorldFixture().publish([]).request(ENDPOINT, { names: ['xyz'] })
    deepEqual(Buffer.from(stream.pushes()[0]?.resources[0]?.bytes ?? []), Buffer.from('\n\u0003xyz'))
  })

  it('answers types that are empty', () => {
    const stream = new WorldFixture()
      .publish([])
      .request(CLUSTER)
      .request(LISTENER)
      .request(SECRET, { names: ['s'] })
    deepEqual(stream.settle().toSorted(), ['cluster', 'listener', 'secret'])
  })

  it('ends a stream that asks for too many names, before it works on them', () => {
    const stream = new WorldFixture({ limits: { ...STREAM_LIMITS, names: 3 } })
    const many = (error: unknown) => error instanceof StreamRefusal && error.status === 'RESOURCE_EXHAUSTED'
    throws(() => stream.request(ENDPOINT, { names: ['a', 'b', 'c', 'd'] }), many)
    throws(() => stream.request(''), StreamRefusal)
  })
})

describe('answers on a state-of-the-world stream', () => {
  it('bring the newest and nothing in between, one response of a type in flight', () => {
    const stream = new WorldFixture().publish([cluster('a')]).request(CLUSTER)
    const [push] = stream.pushes()
    for (const version of ['2', '3', '4']) stream.publish([cluster('a', version)])
    deepEqual(stream.sent(), [])
    stream.request(CLUSTER, { nonce: push?.nonce ?? '' })
    deepEqual(stream.settle(), ['cluster a@4'])
  })

  it('mean nothing with a stale nonce, but their names count', () => {
    const stream = new WorldFixture().publish([endpoint('a'), endpoint('b')]).request(ENDPOINT, { names: ['a'] })
    const [first] = stream.pushes()
    stream.request(ENDPOINT, { nonce: first?.nonce ?? '' }).publish([endpoint('a', '2'), endpoint('b')])
    const [second] = stream.pushes()
    stream.request(ENDPOINT, { nonce: first?.nonce ?? '', names: ['a', 'b'], error: 'too late' })
    deepEqual([stream.sent(), stream.stream.delta.refused], [[], []])
    stream.request(ENDPOINT, { nonce: second?.nonce ?? '' })
    deepEqual(stream.settle(), ['endpoint b@1'])
  })

  it('to equal lists have equal versions, on every stream', () => {
    const version = (stream: WorldFixture) => stream.request(CLUSTER).pushes()[0]?.version
    const one = version(new WorldFixture().publish([cluster('a'), cluster('b')]))
    equal(version(new WorldFixture().publish([cluster('b'), cluster('a')])), one)
    notEqual(version(new WorldFixture().publish([cluster('b'), cluster('a', '2')])), one)
  })
})

describe('the order on a state-of-the-world stream', () => {
  it('keeps in the list of clusters what is still referred to, and leaves it out when it is not', () => {
    const stream = new WorldFixture().publish([...service('old'), testResource(ROUTE, 'r', '1', ['old'])])
    for (const type of [CLUSTER, LISTENER]) stream.request(type)
    stream
      .request(ENDPOINT, { names: ['old'] })
      .request(ROUTE, { names: ['r', 'old'] })
      .settle()
    stream.publish([cluster('new'), endpoint('new'), testResource(ROUTE, 'r', '2', ['new'])])
    const told = stream.settle()
    deepEqual(told.slice(0, 2), ['cluster new@1 old@1', 'route r@2'])
    ok(told.indexOf('cluster new@1') > told.indexOf('listener'), told.join())
  })

  it('sends endpoints again after their changed cluster, which would wait for them', () => {
    const stream = new WorldFixture()
      .publish(service('a'))
      .request(CLUSTER)
      .request(ENDPOINT, { names: ['a'] })
    stream.settle()
    stream.publish([cluster('a', '2'), ...service('a').slice(1)])
    deepEqual(stream.settle(), ['cluster a@2', 'endpoint a@1'])
  })

  it('does not let who asks for listeners by name wait for clusters, in whatever order it asks', () => {
    const stream = new WorldFixture()
      .publish([])
      .request(LISTENER, { names: ['a'] })
      .request(ENDPOINT, { names: ['a'] })
    stream.settle()
    stream.publish(service('a'))
    deepEqual(stream.settle(), ['endpoint a@1', 'listener a@1'])
  })

  it('sends a list as a whole, however large: a piece of it would remove the rest', () => {
    const stream = new WorldFixture({ limits: { ...STREAM_LIMITS, responseBytes: 300 } })
    stream.publish(['a', 'b', 'c', 'd'].map((name) => cluster(name))).request(CLUSTER)
    deepEqual(stream.settle(), ['cluster a@1 b@1 c@1 d@1'])
  })
})

describe('refusals on a state-of-the-world stream', () => {
  const wrong = ({ resources }: WorldPush) => {
    const bad = resources.filter(({ version }) => version.startsWith('bad'))
    return bad.length === 0
      ? undefined
      : `Error adding/updating cluster(s) ${bad.map(({ name }) => name).join(': x, ')}: x`
  }
  const refused = (stream: WorldFixture) => stream.stream.delta.refused.map(({ name, version }) => `${name}@${version}`)

  it('blame only what the client names, and the others are sent again without it', () => {
    const stream = new WorldFixture().publish([cluster('a'), cluster('b', 'bad'), cluster('c')]).request(CLUSTER)
    deepEqual(stream.settle(wrong), ['cluster a@1 b@bad c@1', 'cluster a@1 c@1', 'cluster a@1 b@bad c@1'])
    deepEqual(refused(stream), ['b@bad'])
  })

  it('leave in the list what the client has, and it is not sent the refused again with the next change', () => {
    const stream = new WorldFixture().publish([cluster('a'), cluster('b')]).request(CLUSTER)
    stream.settle()
    stream.publish([cluster('a', 'bad'), cluster('b')])
    deepEqual(stream.settle(wrong), ['cluster a@bad b@1'])
    stream.publish([cluster('a', 'bad'), cluster('b', '2')])
    deepEqual(stream.settle(wrong), ['cluster a@1 b@2'])
    deepEqual(refused(stream), ['a@bad'])
    stream.publish([cluster('a', 'better'), cluster('b', '2')])
    deepEqual([stream.settle(wrong), refused(stream)], [['cluster a@better b@2'], []])
  })

  it('do not remove what a client brought along, although its version is not known', () => {
    const stream = new WorldFixture().publish([cluster('a', 'bad'), cluster('b')]).request(CLUSTER, { version: 'old' })
    deepEqual(stream.settle(wrong), ['cluster a@bad b@1', 'cluster a@bad b@1'])
    deepEqual(refused(stream), ['a@bad'])
    stream.publish([cluster('a', 'bad'), cluster('b'), cluster('c')])
    deepEqual(stream.settle(wrong), ['cluster a@bad b@1 c@1'])
    deepEqual([refused(stream), stream.stream.delta.has(CLUSTER, 'c')], [['a@bad'], '1'])
    stream.publish([cluster('b'), cluster('c')])
    deepEqual([stream.settle(wrong), refused(stream)], [['cluster b@1 c@1'], []])
  })

  it('of which the words name nothing are found out one by one', () => {
    const stream = new WorldFixture().publish([cluster('a'), cluster('b')]).request(CLUSTER)
    stream.settle()
    stream.publish([cluster('a', '2'), cluster('b', 'bad')])
    const silent = (push: WorldPush) => (wrong(push) === undefined ? undefined : 'something is wrong')
    deepEqual(stream.settle(silent), ['cluster a@2 b@bad', 'cluster a@2 b@1', 'cluster a@2 b@bad'])
    deepEqual(refused(stream), ['b@bad'])
  })

  it('of endpoints are found out one by one', () => {
    const stream = new WorldFixture().publish([endpoint('a'), endpoint('b', 'bad')])
    stream.request(ENDPOINT, { names: ['a', 'b'] })
    deepEqual(stream.settle(wrong), ['endpoint a@1 b@bad', 'endpoint a@1', 'endpoint b@bad'])
    deepEqual(refused(stream), ['b@bad'])
  })

  it('name a resource only by its whole name', () => {
    const names = ['a', 'pay', 'pay/main', 'app:pay/main', 'x.y']
    deepEqual([...namesIn('cluster(s) pay/main: bad, x.y.', names)], ['pay/main', 'x.y'])
    deepEqual([...namesIn('cluster app:pay/main is bad', names)], ['app:pay/main'])
  })
})
