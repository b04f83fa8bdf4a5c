import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connect } from 'node:tls'
import { openSession } from '../../agent/control-plane/calls.js'
import type { Welcome } from '../../common/proto/mesh/v1/mesh_pb.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import { CLUSTER, ENDPOINT } from '../../common/xds/types.js'
import { decodeResponse, encodeRequest } from '../../common/xds/wire.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane, within } from './control-plane.js'
import { hostReport, servicesReport } from './reports.js'

suite("the control plane's own certificate", () => {
  test('is renewed without an end of what is open, and new connections see the new one', async (t) => {
    // The host's certificate has to outlive several of the control plane's.
    const before = await startControlPlane(t)
    const credentials = await joinHost(t, before, 'web-1', ['web'])
    await before.stop()
    const controlPlane = await startControlPlane(t, { directory: before.directory, leafTtl: '10s' })
    const client = connectAs(t, controlPlane, credentials)
    const session = openSession(client)
    let ended: unknown
    let welcome: Welcome | undefined
    session.on('error', (error) => {
      ended = error
    })
    session.on('data', ({ message }) => {
      if (message.case === 'welcome') welcome = message.value
    })
    for (const report of [hostReport(), servicesReport('web')]) session.write(report)
    const ads = openDeltaCall(client)
    const messages = ads.messages[Symbol.asyncIterator]()
    ads.write(encodeRequest({ typeUrl: CLUSTER, resourceNamesSubscribe: ['*'] }))
    assert.equal(decodeResponse((await within(5_000, messages.next())).value).typeUrl, CLUSTER)

    const serials = new Set<string>()
    await eventually(async () => {
      serials.add(await serialOf(controlPlane))
      assert.ok(serials.size >= 3, `${serials.size} certificates`)
    }, 60_000)

    assert.equal(ended, undefined)
    // Both streams are not only open, they are answered.
    session.write(servicesReport('web', 'other'))
    await eventually(async () => assert.ok(welcome?.refusedServices['other'] !== undefined))
    ads.write(encodeRequest({ typeUrl: ENDPOINT, resourceNamesSubscribe: ['*'] }))
    assert.ok((await within(5_000, messages.next())).done !== true)
  })
})

/** The serial number of the certificate that a new connection is shown. */
function serialOf({ address, authority }: TestControlPlane): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address.address,
      port: address.port,
      ca: authority.bundlePem,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['h2'],
    })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })
}
