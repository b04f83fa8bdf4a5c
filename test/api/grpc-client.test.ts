import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { Client } from '@grpc/grpc-js'
import { openSession } from '../../agent/control-plane/calls.js'
import { type Latest, waitFor } from '../../common/latest.js'
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../common/proto/envoy/service/discovery/v3/discovery_pb.js'
import type { AgentMessage } from '../../common/proto/mesh/v1/mesh_pb.js'
import { STATE_OF_THE_WORLD_METHOD } from '../../common/xds/grpc-service.js'
import { LISTENER } from '../../common/xds/types.js'
import { happensWithin } from '../lab/within.js'
import { connectAs, joinHost } from './callers.js'
import { startControlPlane, type TestControlPlane } from './control-plane.js'
import { hostReport, reportOf } from './reports.js'
import { XdsReader } from './xds-reader.js'

const ORDERS = { service: 'orders', ports: [{ name: 'main', port: 9000, protocol: 'grpc' }] }

suite('gRPC’s own xDS client, with the certificate of a host', () => {
  test('reads a service, follows its endpoints within a second, and notices its removal', async (t) => {
    const controlPlane = await startControlPlane(t)
    const reader = await XdsReader.open(t, controlPlane, 'web-1', (await host(t, controlPlane, 'web-1', 'web')).own)
    const first = await host(t, controlPlane, 'orders-1', 'orders')
    first.send(hostReport({ address: '127.0.0.21' }), reportOf(ORDERS))

    const target = reader.watchTarget(t, 'orders.mesh:9000')
    const endpoints = reader.watchEndpoints(t, 'orders/main')
    await until(target, (name) => name === 'orders.mesh:9000')
    await until(endpoints, (list) => String(list) === '127.0.0.21:15443')

    const second = await host(t, controlPlane, 'orders-2', 'orders')
    second.send(hostReport({ address: '127.0.0.22' }))
    await happensWithin(1000, async () => {
      second.send(reportOf())
      await until(endpoints, (list) => String(list) === '127.0.0.21:15443')
      const start = performance.now()
      second.send(reportOf(ORDERS))
      await until(endpoints, (list) => String(list) === '127.0.0.21:15443,127.0.0.22:15443')
      return performance.now() - start
    })

    for (const { send } of [first, second]) send(reportOf())
    await until(target, (name) => name === 'absent')
    await until(endpoints, (list) => list.length === 0)
  })

  test('is answered at once about names that are nothing', async (t) => {
    const controlPlane = await startControlPlane(t)
    const { own } = await host(t, controlPlane, 'web-1', 'web')
    const reader = await XdsReader.open(t, controlPlane, 'web-1', own)
    const start = performance.now()
    await until(reader.watchEndpoints(t, 'nobody/main'), (list) => list.length === 0)
    // Of a target that never was, the library tells its application only after 15 s, whatever it is answered.
    const { typeUrl, resources } = await askWorld(connectAs(t, controlPlane, own), LISTENER, 'nobody.mesh')
    assert.deepEqual([typeUrl, resources], [LISTENER, []])
    assert.ok(performance.now() - start < 5_000, `told after ${performance.now() - start} ms`)
  })
})

/** The first answer to a gRPC client of web-1 that asks for one name. */
async function askWorld(client: Client, typeUrl: string, name: string): Promise<DiscoveryResponse> {
  const { path, requestSerialize, responseDeserialize } = STATE_OF_THE_WORLD_METHOD
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const node = { id: 'web-1', userAgentName: 'gRPC C-core' }
  const request = create(DiscoveryRequestSchema, { node, typeUrl, resourceNames: [name] })
  call.write(Buffer.from(toBinary(DiscoveryRequestSchema, request)))
  const [message] = await once(call, 'data', { signal: AbortSignal.timeout(5_000) })
  call.on('error', () => undefined) // of cancelling
  call.cancel()
  return fromBinary(DiscoveryResponseSchema, message)
}

/** A host with a session; it reports a web service of its own until it says something else. */
async function host(t: TestContext, controlPlane: TestControlPlane, name: string, service: string) {
  const own = await joinHost(t, controlPlane, name, [service])
  const session = openSession(connectAs(t, controlPlane, own))
  session.on('error', () => undefined)
  const send = (...messages: readonly AgentMessage[]) => {
    for (const message of messages) session.write(message)
  }
  if (service === 'web') send(hostReport(), reportOf({}))
  return { own, send }
}

async function until<T>(latest: Latest<T | 'unknown'>, accept: (value: T) => boolean): Promise<void> {
  const known = (value: T | 'unknown') => value !== 'unknown' && accept(value as T)
  try {
    await waitFor(latest, known, AbortSignal.timeout(10_000))
  } catch (cause) {
    throw new Error(`${accept} does not hold for ${latest.value}`, { cause })
  }
}
