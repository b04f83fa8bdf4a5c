import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Resource } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import { service, testResource } from './mesh-model.js'
import { describePush, StreamFixture } from './stream-fixture.js'

const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET]

/** A stream whose client has asked by name for what Envoy asks for by name, and has all of it. */
function envoy(resources: readonly Resource[]): StreamFixture {
  const names = (type: string) => resources.filter((resource) => resource.type === type).map(({ name }) => name)
  const stream = new StreamFixture().publish(resources).request(CLUSTER).request(LISTENER)
  for (const type of [ENDPOINT, ROUTE]) stream.request(type, { subscribe: names(type) })
  stream.settle()
  return stream
}

/** A stream whose client asks for everything, and has all of it. */
function relay(resources: readonly Resource[]): StreamFixture {
  const stream = new StreamFixture().publish(resources)
  for (const type of TYPES) stream.request(type, { subscribe: ['*'] })
  stream.settle()
  return stream
}

describe('what an Envoy is sent', () => {
  it('begins with changed clusters and at once their endpoints, changed or not, without waiting for any answer', () => {
    const stream = envoy([...service('a'), ...service('b')])
    stream.publish([testResource(CLUSTER, 'a', '2'), ...service('a').slice(1), ...service('b')])
    deepEqual(stream.sent(), ['cluster +a@2', 'endpoint +a@1'])
  })

  it('is a changed endpoint at once, even while a cluster is unanswered', () => {
    const stream = envoy(service('a'))
    const rest = service('a').slice(2)
    stream.publish([testResource(CLUSTER, 'a', '2'), ...service('a').slice(1)])
    const [, followed] = stream.pushes()
    stream.request(ENDPOINT, { nonce: followed?.nonce ?? '' })
    stream.publish([testResource(CLUSTER, 'a', '3'), testResource(ENDPOINT, 'a', '2'), ...rest])
    deepEqual(stream.sent(), ['endpoint +a@2'])
  })

  it('is the answer that a changed cluster has no endpoints, as the cluster would wait for it', () => {
    const stream = envoy([testResource(CLUSTER, 'a', '1')])
    stream.request(ENDPOINT, { subscribe: ['a'] }).settle()
    stream.publish([testResource(CLUSTER, 'a', '2')])
    deepEqual(stream.sent(), ['cluster +a@2', 'endpoint -a'])
  })

  it('are endpoints once more when they were on their way before their cluster', () => {
    const stream = envoy(service('a'))
    const rest = service('a').slice(2)
    stream.publish([testResource(CLUSTER, 'a', '1'), testResource(ENDPOINT, 'a', '2'), ...rest])
    const [endpoints] = stream.pushes()
    stream.publish([testResource(CLUSTER, 'a', '2'), testResource(ENDPOINT, 'a', '2'), ...rest])
    deepEqual(stream.sent(), ['cluster +a@2'])
    stream.request(ENDPOINT, { nonce: endpoints?.nonce ?? '' })
    deepEqual(stream.sent(), ['endpoint +a@2'])
  })

  it('are routes and listeners only when clusters and their endpoints are answered', () => {
    const stream = envoy(service('a'))
    stream.publish(service('a', '2'))
    const [clusters, endpoints] = stream.pushes()
    deepEqual(stream.sent(), [])
    stream.request(CLUSTER, { nonce: clusters?.nonce ?? '' })
    deepEqual(stream.sent(), [])
    stream.request(ENDPOINT, { nonce: endpoints?.nonce ?? '' })
    deepEqual(stream.sent(), ['route +a@2', 'listener +a@2'])
  })

  it('are routes and listeners when clusters are refused, too', () => {
    const stream = envoy(service('a'))
    stream.publish(service('a', '2'))
    for (const { type, nonce } of stream.pushes()) stream.request(type, { nonce, error: 'no' })
    deepEqual(stream.sent(), ['route +a@2', 'listener +a@2'])
  })

  it('are routes and listeners after five seconds even without an answer, and not before', () => {
    const stream = envoy(service('a'))
    stream.now = 1_000
    stream.publish(service('a', '2'))
    deepEqual(stream.sent(), ['cluster +a@2', 'endpoint +a@2'])
    equal(stream.delta.deadline, 6_000)
    stream.now = 5_999
    deepEqual(stream.sent(), [])
    stream.now = 6_000
    deepEqual(stream.sent(), ['route +a@2', 'listener +a@2'])
    equal(stream.delta.deadline, undefined)
  })

  it('are removals when nothing refers to the removed any more', () => {
    const stream = envoy([...service('a'), ...service('old').slice(0, 2)])
    stream.publish(service('a').map(({ type, name }) => testResource(type, name, type === ROUTE ? '2' : '1')))
    const [route] = stream.pushes()
    equal(route && describePush(route), 'route +a@2')
    deepEqual(stream.sent(), [])
    stream.request(ROUTE, { nonce: route?.nonce ?? '' })
    deepEqual(stream.sent(), ['cluster -old', 'endpoint -old'])
  })

  it('is one response with the listeners that come and go', () => {
    const stream = envoy([testResource(LISTENER, 'old', '1')])
    stream.publish([testResource(LISTENER, 'new', '1')])
    deepEqual(stream.sent(), ['listener +new@1 -old'])
  })
})

describe('what a relay is sent', () => {
  it('refers to nothing that it does not have', () => {
    const stream = relay(service('a'))
    stream.publish([...service('a'), ...service('b'), testResource(SECRET, 'b', '1')])
    deepEqual(stream.settle(), ['secret +b@1', 'endpoint +b@1', 'cluster +b@1', 'route +b@1', 'listener +b@1'])
  })

  it('loses first what refers, then what is referred to', () => {
    const stream = relay([...service('a'), testResource(SECRET, 'a', '1')])
    stream.publish([])
    deepEqual(stream.settle(), ['listener -a', 'route -a', 'cluster -a', 'endpoint -a', 'secret -a'])
  })

  it('is a new cluster only when its endpoints have been sent', () => {
    const stream = relay(service('a'))
    stream.publish([testResource(CLUSTER, 'a', '1'), testResource(ENDPOINT, 'a', '2'), ...service('a').slice(2)])
    const [first] = stream.pushes()
    stream.publish([...service('a'), ...service('b')])
    deepEqual(stream.sent(), [])
    stream.request(ENDPOINT, { nonce: first?.nonce ?? '' })
    deepEqual(stream.sent(), ['endpoint +b@1 +a@1', 'cluster +b@1'])
  })

  it('is a changed cluster without its endpoints, which it has', () => {
    const stream = relay(service('a'))
    stream.publish([testResource(CLUSTER, 'a', '2'), ...service('a').slice(1)])
    deepEqual(stream.settle(), ['cluster +a@2'])
  })
})
