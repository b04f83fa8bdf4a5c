import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type Client, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js'
import { methodDefinition } from '../../common/grpc/definition.js'
import { Agents, Identity } from '../../common/proto/mesh/v1/mesh_pb.js'
import { DELTA_METHOD } from '../../common/xds/grpc-service.js'
import { connectAs, joinHost } from './callers.js'
import { startControlPlane, type TestControlPlane, within } from './control-plane.js'

/** What grpc-js says of bytes that are refused before a handler gets a message. */
const UNDECODED = [status.INTERNAL, 'Error deserializing request']

/** The most that gRPC lets through, but for its framing. */
const BYTES = 4 * 1024 * 1024 - 64

/** Field `services` of an AgentMessage, full of services of which nothing is said: two bytes each. */
function emptyServices(): Buffer {
  const services = Buffer.alloc(BYTES - 8, Buffer.of(0x0a, 0))
  return Buffer.concat([Buffer.of(0x12, ...varint(services.length)), services])
}

/** Fields that no message has, three bytes each. */
const strangeFields = () => Buffer.alloc(BYTES - (BYTES % 3), Buffer.of(0xf8, 0x07, 0))

/** Names of no letter, two bytes each. */
const emptyNames = () => Buffer.alloc(BYTES, Buffer.of(0x1a, 0))

suite('a message that would be a thousand times larger once it is decoded', () => {
  test('is refused undecoded where a host sends it in its session', async (t) => {
    const { client } = await host(t)
    const { code, details } = await refusal(client, methodDefinition(Agents.method.session), emptyServices())
    assert.deepEqual([code, details], UNDECODED)
  })

  test('is refused undecoded where somebody without a certificate sends it', async (t) => {
    const controlPlane = await startControlPlane(t)
    const client = connectAs(t, controlPlane, undefined)
    const { code, details } = await refusal(client, methodDefinition(Identity.method.enrol), strangeFields())
    assert.deepEqual([code, details], UNDECODED)
  })

  test('is refused undecoded where a host asks for names that are none', async (t) => {
    const { client } = await host(t)
    const { code, details } = await refusal(client, DELTA_METHOD, emptyNames())
    assert.equal(code, status.RESOURCE_EXHAUSTED)
    assert.match(details, /a message of more than 250000 fields/)
  })
})

async function host(t: TestContext): Promise<{ readonly client: Client; readonly controlPlane: TestControlPlane }> {
  const controlPlane = await startControlPlane(t)
  const client = connectAs(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
  return { client, controlPlane }
}

/** With what the server ends a call whose only message are these bytes. */
function refusal(client: Client, { path }: Pick<MethodDefinition<never, unknown>, 'path'>, bytes: Buffer) {
  const same = (buffer: Buffer) => buffer
  const stream = client.makeBidiStreamRequest(path, same, same)
  stream.on('data', () => undefined)
  const failed = new Promise<ServiceError>((resolve) => stream.on('error', resolve))
  stream.write(bytes)
  stream.end()
  return within(10_000, failed)
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]
}
