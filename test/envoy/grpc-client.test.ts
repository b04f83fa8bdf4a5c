import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { atEnd } from '../lab/at-end.js'
import { envoyOrSkip } from '../lab/envoy.js'
import { meshFrom, TRUST_DOMAIN } from '../mesh/inputs.js'
import { askName, NAME_METHOD, openGrpcClient } from './grpc-client.js'
import { EnvoyLab } from './lab.js'

/** Addresses of this process alone, so that other tests can run beside it. */
const NET = `127.${128 + (process.pid % 120)}`
const [ORDERS_1, ORDERS_2] = [`${NET}.255.5`, `${NET}.255.6`]

const hosts = (first: string, second: string) => `
web-1: { address: ${NET}.255.4, range: '', services: { web: { port: 9000 } } }
orders-1: { address: ${ORDERS_1}, range: '', services: { ${first} } }
orders-2: { address: ${ORDERS_2}, range: '', services: { ${second} } }
`

const ORDERS = 'orders: { port: 9000, protocol: grpc }'

test('a gRPC client with xDS of its own calls through the callees’ Envoys, and follows them', async (t) => {
  const binary = await envoyOrSkip(t)
  if (binary === undefined) return
  const lab = await EnvoyLab.start()
  atEnd(t, () => lab.stop())
  for (const [address, name] of [
    [ORDERS_1, 'one'],
    [ORDERS_2, 'two'],
  ] as const) {
    const application = await startGrpc(address, name)
    atEnd(t, () => application.forceShutdown())
  }
  for (const host of ['orders-1', 'orders-2']) await lab.startEnvoy(host, binary)
  await lab.serve(meshFrom(hosts(ORDERS, '')))
  const client = openGrpcClient('main.orders.mesh', {
    host: 'web-1',
    server: `unix:${lab.socket}`,
    directory: lab.directory,
    pair: lab.pair({ kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' }),
    trustBundlePem: lab.authority.bundlePem,
  })
  atEnd(t, () => client.close())

  await t.test('that are added and removed', async () => {
    assert.equal(await askName(client), 'one')
    await lab.serve(meshFrom(hosts(ORDERS, ORDERS)))
    await eventually(client, 'two')
    lab.publish(meshFrom(hosts('', ORDERS)))
    await eventually(client, 'two', 20)
  })

  await t.test('that are spoken to as they are, and no one else', async () => {
    const web = lab.streams.find(({ client: name }) => name === 'web-1/grpc')
    assert.deepEqual(web?.refused, [])
    assert.ok(web?.acknowledged)
  })

  await t.test('and is refused by the rules of the service, like anybody', async () => {
    lab.publish(meshFrom(hosts('', ORDERS), 'kind: authorization\nservice: orders\nallow: []\n'))
    await eventually(client, status.PERMISSION_DENIED)
  })

  await t.test('until the service is gone, which it notices', async () => {
    lab.publish(meshFrom(hosts('', '')))
    await eventually(client, status.UNAVAILABLE)
  })
})

/** Calls until the answer is this name or this status so many times in a row, at most 5,000 times and 10 s. */
async function eventually(client: Client, wanted: string | status, times = 1): Promise<void> {
  const deadline = Date.now() + 10_000
  let last: unknown
  let inRow = 0
  for (let calls = 0; calls < 5_000 && Date.now() < deadline; calls++) {
    last = await askName(client).catch((error: { code: status }) => error.code)
    inRow = last === wanted ? inRow + 1 : 0
    if (inRow === times) return
  }
  assert.fail(`the last answer is ${last}, not ${wanted}`)
}

/** An application of gRPC that answers with its name. */
async function startGrpc(address: string, name: string): Promise<Server> {
  const bytes = (text: Buffer) => text
  const server = new Server()
  const method = { path: NAME_METHOD, requestStream: false, responseStream: false } as const
  const codecs = {
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }
  server.addService(
    { Name: { ...method, ...codecs } },
    {
      Name: (_: unknown, answer: (error: null, text: Buffer) => void) => answer(null, Buffer.from(name)),
    },
  )
  await new Promise<void>((resolve, reject) => {
    const bound = (error: Error | null) => (error === null ? resolve() : reject(error))
    server.bindAsync(`${address}:9000`, ServerCredentials.createInsecure(), bound)
  })
  return server
}
