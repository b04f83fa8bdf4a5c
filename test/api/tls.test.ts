import assert from 'node:assert/strict'
import { connect as connectPlain } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Client, status } from '@grpc/grpc-js'
import { openSession } from '../../agent/control-plane/calls.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { validityOf } from '../../agent/identity/store.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import { CLUSTER } from '../../common/xds/types.js'
import { decodeResponse, encodeRequest } from '../../common/xds/wire.js'
import { atEnd } from '../lab/at-end.js'
import { connectAs, forge, joinHost } from './callers.js'
import { startControlPlane, type TestControlPlane, within } from './control-plane.js'
import { hostReport, servicesReport } from './reports.js'
import { TRUST_DOMAIN } from './watched-log.js'

/** What an HTTP/2 client says first: the preface and empty settings. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
])

suite('the TLS of the API', { concurrency: true }, () => {
  test('TLS 1.2 is refused', async (t) => {
    const controlPlane = await startControlPlane(t)
    const old = open(t, controlPlane, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    await assert.rejects(answerOf(old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
    const modern = open(t, controlPlane, { minVersion: 'TLSv1.2' })
    await answerOf(modern)
    assert.equal(modern.getProtocol(), 'TLSv1.3')
  })

  test('plain text gets no answer but the end of the connection', async (t) => {
    const controlPlane = await startControlPlane(t)
    for (const text of [PREFACE, 'GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n']) {
      const answer = await within(5_000, speakPlain(controlPlane, text))
      // At most a TLS alert record.
      assert.match(answer.toString('hex'), /^(?:15030[0-4]0002....)?$/)
    }
  })

  test('a connection that does not speak HTTP/2 gets nothing', async (t) => {
    const controlPlane = await startControlPlane(t)
    await assert.rejects(answerOf(open(t, controlPlane, { ALPNProtocols: ['http/1.1'] })))
  })

  test('no session is resumed, not even one of a host by somebody without its certificate', async (t) => {
    const controlPlane = await startControlPlane(t)
    const credentials = await joinHost(t, controlPlane, 'web-1')
    const first = open(t, controlPlane, certificateOf(credentials))
    const tickets: Buffer[] = []
    first.on('session', (ticket: Buffer) => tickets.push(ticket))
    // Tickets, if there are any, come before the first data of the server.
    await answerOf(first)
    const sessions = [first.getSession(), ...tickets].filter((session) => session !== undefined)
    assert.ok(sessions.length > 0)
    for (const session of sessions) {
      for (const certificate of [{}, certificateOf(credentials)]) {
        const second = open(t, controlPlane, { ...certificate, session })
        await answerOf(second)
        assert.equal(second.isSessionReused(), false)
      }
    }
  })

  test('a connection ends when the certificate of its client expires', async (t) => {
    const controlPlane = await startControlPlane(t)
    const identity = { kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' } as const
    const credentials = forge(controlPlane.authority, identity, { ttl: 3_000 })
    const socket = open(t, controlPlane, certificateOf(credentials))
    const closed = new Promise<number>((resolve) => socket.on('close', () => resolve(Date.now())))
    socket.on('error', () => undefined)
    await answerOf(socket)
    checkEnd(await within(10_000, closed), credentials)
  })

  test('a session ends when the certificate of its host expires', async (t) => {
    const controlPlane = await startControlPlane(t, { leafTtl: '10s' })
    const credentials = await joinHost(t, controlPlane, 'web-1')
    const session = openSession(connectAs(t, controlPlane, credentials))
    const ended = new Promise<number>((resolve) => session.on('error', () => resolve(Date.now())))
    session.write(hostReport())
    await within(5_000, new Promise((resolve) => session.once('data', resolve)))
    checkEnd(await within(15_000, ended), credentials)
  })
})

suite('the node of an xDS stream', () => {
  test('is the host of the certificate, be it told or not', async (t) => {
    const controlPlane = await startControlPlane(t)
    const client = await reportingHost(t, controlPlane)
    for (const node of [{ id: 'web-1' }, undefined]) {
      assert.equal(decodeResponse(await firstResponse(client, node)).typeUrl, CLUSTER)
    }
  })

  test('cannot be another host', async (t) => {
    const controlPlane = await startControlPlane(t)
    const client = await reportingHost(t, controlPlane)
    await joinHost(t, controlPlane, 'web-2')
    for (const id of ['web-2', 'WEB-1', '']) {
      await assert.rejects(firstResponse(client, { id }), { code: status.PERMISSION_DENIED }, id)
    }
  })
})

/** A client of host web-1, which has a session: only hosts that report are served. */
async function reportingHost(t: TestContext, controlPlane: TestControlPlane): Promise<Client> {
  const client = connectAs(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
  const session = openSession(client)
  session.on('error', () => undefined)
  for (const report of [hostReport(), servicesReport('web')]) session.write(report)
  return client
}

/** Asks for clusters under the name of some node. */
async function firstResponse(client: Client, node: { readonly id: string } | undefined): Promise<Uint8Array> {
  const call = openDeltaCall(client)
  const named = node === undefined ? {} : { node }
  call.write(encodeRequest({ ...named, typeUrl: CLUSTER, resourceNamesSubscribe: ['*'] }))
  const messages = call.messages[Symbol.asyncIterator]()
  try {
    const { value, done } = await within(5_000, messages.next())
    if (done === true) throw new Error('the stream ended without an answer')
    return value
  } finally {
    call.cancel()
  }
}

/** Not a second before the certificate's end, and soon after it. */
function checkEnd(endedAt: number, { chainPem }: HostCredentials): void {
  const late = endedAt - validityOf(chainPem).notAfter
  assert.ok(late > -50 && late < 2_000, `ended ${late} ms after the certificate`)
}

function certificateOf({ keyPem, chainPem }: HostCredentials): ConnectionOptions {
  return { key: keyPem, cert: chainPem }
}

function open(t: TestContext, { address, authority }: TestControlPlane, options: ConnectionOptions): TLSSocket {
  const socket = connect({
    host: address.address,
    port: address.port,
    ca: authority.bundlePem,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['h2'],
    ...options,
  })
  atEnd(t, () => void socket.destroy())
  return socket
}

/** The first data of the server, which is told after the handshake. @throws when it ends before that */
function answerOf(socket: TLSSocket): Promise<Buffer> {
  const answer = new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed without an answer')))
    socket.once('data', resolve)
    socket.once('secureConnect', () => socket.write(PREFACE))
  })
  return within(5_000, answer)
}

function speakPlain({ address }: TestControlPlane, text: Buffer | string): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connectPlain(address.port, address.address, () => socket.write(text))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
  })
}
