import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { type ServiceError, status } from '@grpc/grpc-js'
import { openSession } from '../../agent/control-plane/calls.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { CONNECTION_LIMITS } from '../../controlplane/api/limits.js'
import { atEnd } from '../lab/at-end.js'
import { connectAs, joinHost, requestCertificate } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane, within } from './control-plane.js'

const BANNED = { code: status.PERMISSION_DENIED, details: 'host web-1 is banned' }

suite('a host of the mesh that is refused', () => {
  test('hears the reason whatever it calls, and then the connection ends', async (t) => {
    const { controlPlane, credentials } = await withBannedHost(t)
    const client = connectAs(t, controlPlane, credentials)
    const ends = [endOf(openSession(client)), endOf(openSession(client))]
    await assert.rejects(requestCertificate(client), BANNED)
    for (const { code, details } of await Promise.all(ends)) assert.deepEqual({ code, details }, BANNED)
    const silent = await hold(t, controlPlane, credentials)
    await within(5_000, new Promise((resolve) => silent.on('close', resolve)))
  })

  test('gets no answer while too many of its connections are held, and keeps nobody else out', async (t) => {
    const { controlPlane, credentials } = await withBannedHost(t)
    const other = await joinHost(t, controlPlane, 'web-2')
    const { each } = CONNECTION_LIMITS.dismissed
    const held = await Promise.all(Array.from({ length: each }, () => hold(t, controlPlane, credentials)))
    const ends = held.map((socket) => new Promise((resolve) => socket.on('close', resolve)))
    const { code } = await endOf(openSession(connectAs(t, controlPlane, credentials)))
    assert.equal(code, status.UNAVAILABLE)
    const { result } = await requestCertificate(connectAs(t, controlPlane, other))
    assert.equal(result.case, 'certificate')
    await within(5_000, Promise.all(ends))
    await eventually(async () => {
      const { code, details } = await endOf(openSession(connectAs(t, controlPlane, credentials)))
      assert.deepEqual({ code, details }, BANNED)
    })
  })
})

async function withBannedHost(t: TestContext) {
  const controlPlane = await startControlPlane(t)
  const credentials = await joinHost(t, controlPlane, 'web-1')
  await controlPlane.ask('POST', '/v1/hosts/web-1/ban', {})
  return { controlPlane, credentials }
}

/** How a stream ends on which a host says nothing. */
function endOf(session: ReturnType<typeof openSession>): Promise<Partial<ServiceError>> {
  return new Promise((resolve) => session.on('error', resolve))
}

/** A connection of a host that calls nothing, once the control plane has spoken on it. */
async function hold(t: TestContext, plane: TestControlPlane, credentials: HostCredentials): Promise<TLSSocket> {
  const { address, authority } = plane
  const socket = connect({
    host: address.address,
    port: address.port,
    ca: authority.bundlePem,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['h2'],
    key: credentials.keyPem,
    cert: credentials.chainPem,
  })
  atEnd(t, () => void socket.destroy())
  socket.on('error', () => socket.destroy())
  await new Promise((resolve) => socket.once('data', resolve))
  socket.resume()
  return socket
}
