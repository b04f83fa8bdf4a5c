import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { Client } from '@grpc/grpc-js'
import { openSession } from '../../agent/control-plane/calls.js'
import type { ServiceView } from '../../common/admin-api.js'
import type { AgentMessage } from '../../common/proto/mesh/v1/mesh_pb.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import { LISTENER, SECRET } from '../../common/xds/types.js'
import { decodeResponse, encodeRequest } from '../../common/xds/wire.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane, within } from './control-plane.js'
import { hostReport, reportOf } from './reports.js'

const ALLOW = 'kind: authorization\nservice: ledger\nallow: [{ from: { services: [web] } }]\n'

/** What a curious host might ask for: secrets of its own agent's kind, of another host, and nonsense. */
const CURIOUS = ['svc/ledger', 'svc/web', 'caller', 'trust', 'allow/ledger/db', 'allow/db', '*', '../svc/ledger', '']

suite('the configuration of another host', () => {
  test('is not given to who asks for it by name', async (t) => {
    const controlPlane = await startControlPlane(t, { documents: ALLOW })
    const ports = [{ name: 'db', port: 5433, protocol: 'tcp' }]
    const ledger = await live(t, controlPlane, 'ledger-1', reportOf({ service: 'ledger', ports }))
    const web = await live(t, controlPlane, 'web-1', reportOf({ service: 'web' }))
    await eventually(async () => {
      const services = await controlPlane.ask<readonly ServiceView[]>('GET', '/v1/services')
      assert.equal(services.length, 2)
    })
    const own = await eventually(async () => {
      const names = await namesOf(ledger, SECRET, ['*'])
      assert.ok(names.length > 0)
      return names
    })
    assert.ok(
      own.every((name) => name.startsWith('allow/')),
      own.join(),
    )
    assert.deepEqual(await namesOf(web, SECRET, [...CURIOUS.filter((name) => name !== '*'), ...own]), [])
    assert.deepEqual(await namesOf(web, SECRET, ['*']), [])
    // The inbound listener of each has the same name, and is another one.
    assert.match(await textOf(ledger, LISTENER, 'inbound'), /svc\/ledger/)
    const inbound = await textOf(web, LISTENER, 'inbound')
    assert.match(inbound, /svc\/web/)
    assert.doesNotMatch(inbound, /ledger/)
  })
})

async function live(t: TestContext, controlPlane: TestControlPlane, host: string, services: AgentMessage) {
  const names = host.startsWith('web') ? ['web'] : ['ledger']
  const client = connectAs(t, controlPlane, await joinHost(t, controlPlane, host, names))
  const session = openSession(client)
  session.on('error', () => undefined)
  for (const report of [hostReport({ port: host.length + 15_000 }), services]) session.write(report)
  return client
}

/** The names of the resources that a stream of its own gets for these names. */
async function namesOf(client: Client, typeUrl: string, names: readonly string[]): Promise<readonly string[]> {
  return (await resourcesOf(client, typeUrl, names)).map(({ name }) => name).sort()
}

/** The bytes of one resource, as text. */
async function textOf(client: Client, typeUrl: string, name: string): Promise<string> {
  const [only] = await resourcesOf(client, typeUrl, [name])
  return Buffer.from(only?.resource?.value ?? []).toString('latin1')
}

async function resourcesOf(client: Client, typeUrl: string, names: readonly string[]) {
  const call = openDeltaCall(client)
  const messages = call.messages[Symbol.asyncIterator]()
  try {
    call.write(encodeRequest({ typeUrl, resourceNamesSubscribe: [...names] }))
    const { value } = await within(5_000, messages.next())
    const response = decodeResponse(value)
    assert.equal(response.typeUrl, typeUrl)
    return response.resources
  } finally {
    call.cancel()
  }
}
