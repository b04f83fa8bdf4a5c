import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DELTA_METHOD } from '../../common/xds/grpc-service.js'
import { CLUSTER, LISTENER } from '../../common/xds/types.js'
import { encodeRequest } from '../../common/xds/wire.js'
import { DeafClient } from '../xds/deaf-client.js'
import { AttackedServer, checkPrompt, HOSTILE } from './attacked-server.js'
import { callHead, frame, PREFACE } from './http2-frames.js'

/** Of one version of the mesh; a hundred of them are more than any bound of memory below. */
const BYTES = 900_000
const CHANGES = 100
const MEGABYTE = 1 << 20

suite('hosts that do not read what they are sent', () => {
  test('cost one response of memory each, hold up nobody, and get the newest when they wake up', async (t) => {
    const server = await AttackedServer.start(t)
    await server.change(BYTES)
    const deaf = await Promise.all(Array.from({ length: 5 }, () => deafClient(t, server)))
    const before = memory()
    const delays: number[] = []
    for (let index = 0; index < CHANGES; index++) delays.push(await server.change(BYTES))
    checkPrompt(...delays)
    const more = memory() - before
    assert.ok(
      more < 40 * MEGABYTE,
      `${Math.round(more / MEGABYTE)} MiB more for ${(CHANGES * BYTES * 5) / MEGABYTE} sent`,
    )
    for (const client of deaf) {
      client.wakeUp()
      const messages = await client.messages(2)
      const versions = messages.flatMap(({ resources }) => resources.map(({ version }) => Number(version)))
      assert.ok(versions.length <= 4, `${versions.length} versions of two resources`)
      assert.ok(Math.max(...versions) >= CHANGES, `the newest is ${Math.max(...versions)}`)
    }
  })

  test('or read one byte at a time, are no burden either', async (t) => {
    const server = await AttackedServer.start(t)
    const sockets = await Promise.all(Array.from({ length: 10 }, () => trickle(t, server)))
    const before = memory()
    const delays: number[] = []
    for (let index = 0; index < CHANGES; index++) delays.push(await server.change(BYTES))
    checkPrompt(...delays)
    const more = memory() - before
    assert.ok(more < 60 * MEGABYTE, `${Math.round(more / MEGABYTE)} MiB more`)
    assert.ok(sockets.every(({ bytesRead }) => bytesRead < CHANGES * BYTES))
  })
})

/** A client that asks for everything and reads nothing. */
async function deafClient(t: TestContext, server: AttackedServer): Promise<DeafClient> {
  const socket = server.open(t, HOSTILE)
  await once(socket, 'secureConnect')
  const client = new DeafClient(socket, HOSTILE)
  t.after(() => client[Symbol.dispose]())
  client.ask(CLUSTER)
  client.ask(LISTENER)
  return client
}

/** A client that asks for everything and takes one byte off its connection ten times in a second. */
async function trickle(t: TestContext, server: AttackedServer): Promise<TLSSocket> {
  const socket = server.open(t, HOSTILE)
  await once(socket, 'secureConnect')
  const request = encodeRequest({ node: { id: HOSTILE ?? '' }, typeUrl: LISTENER, resourceNamesSubscribe: ['*'] })
  const length = Buffer.alloc(5)
  length.writeUInt32BE(request.length, 1)
  socket.write(
    Buffer.concat([
      PREFACE,
      frame(1, 4, 1, callHead(DELTA_METHOD.path)),
      frame(0, 0, 1, Buffer.concat([length, request])),
    ]),
  )
  const timer = setInterval(() => void socket.read(1), 100)
  t.after(() => clearInterval(timer))
  return socket
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What this process holds: of the server, and of its clients, which hold nothing. */
function memory(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
