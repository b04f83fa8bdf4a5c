import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { openSession } from '../../agent/control-plane/calls.js'
import { openChannel } from '../../agent/control-plane/channel.js'
import { silentLog } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { issueOwnCertificate, type OwnCertificate } from '../../controlplane/certificate.js'
import { atEnd } from '../lab/at-end.js'
import { foreignAuthority } from './callers.js'
import { eventually } from './control-plane.js'
import { TRUST_DOMAIN } from './watched-log.js'

const ATTEMPTS = 3

test('attempts that were given up while a control plane was away keep no connection to it when it is back', async (t) => {
  const certificate = issueOwnCertificate(await foreignAuthority(t), 'cp-1', 3_600_000, silentLog)
  const address = await unusedAddress()
  for (let times = 0; times < ATTEMPTS; times++) await giveUp(address, certificate)
  const { keyPem: key, chainPem: cert, trustBundlePem: ca } = certificate
  let came = 0
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  server.on('secureConnection', (socket) => socket.on('error', () => undefined).resume())
  const kept = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    came++
    kept.add(socket.on('close', () => kept.delete(socket)))
  })
  server.listen(address.port, address.address)
  atEnd(t, () => {
    server.close()
    for (const socket of kept) socket.destroy()
  })
  await eventually(async () => assert.equal(came, ATTEMPTS))
  await eventually(async () => assert.equal(kept.size, 0))
})

/** An address at which nobody listens. */
async function unusedAddress(): Promise<SocketAddress> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address, port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { address, port }
}

/** Begins a session as an agent does, and closes the client when it fails. */
async function giveUp(address: SocketAddress, { keyPem, chainPem, trustBundlePem }: OwnCertificate): Promise<void> {
  const client = openChannel(address, { trustBundlePem, trustDomain: TRUST_DOMAIN }, { keyPem, chainPem })
  const session = openSession(client)
  session.resume()
  await once(session, 'error')
  client.close()
}
