import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type Client, type ServiceError, status } from '@grpc/grpc-js'
import { call, enrol, openSession } from '../../agent/control-plane/calls.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { JoinFailed, joinMesh } from '../../agent/identity/join.js'
import type { HostChanged, HostView, StatusView, TokenCreated, TokenView } from '../../common/admin-api.js'
import { parseToken } from '../../common/join-token.js'
import { EnrolRequestSchema } from '../../common/proto/mesh/v1/mesh_pb.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import { CLUSTER } from '../../common/xds/types.js'
import { encodeRequest } from '../../common/xds/wire.js'
import { connectAs, foreignAuthority, forge, joinBy, joinHost, newStore, requestCertificate } from './callers.js'
import { startControlPlane, type TestControlPlane, within } from './control-plane.js'
import { recordEverything } from './recording-server.js'
import { hostReport, servicesReport } from './reports.js'
import { TRUST_DOMAIN } from './watched-log.js'

suite('joining', () => {
  test('a token joins its host once: its key may ask again, another key may not', async (t) => {
    const controlPlane = await startControlPlane(t)
    const token = await controlPlane.createToken({ host: 'web-1', services: ['web'] })
    const store = await newStore(t)
    const key = exportPrivateKey(generateKeyPair().privateKey)
    await store.writePendingKey(key)
    const first = await joinBy(store, 'web-1', token)
    await store.writePendingKey(key)
    const again = await joinBy(store, 'web-1', token)
    assert.equal(first.keyPem, again.keyPem)
    assert.notEqual(first.chainPem, again.chainPem)
    assert.equal((await refusalOf(joinBy(await newStore(t), 'web-1', token))).code, status.PERMISSION_DENIED)
    for (const credentials of [first, again]) {
      assert.equal((await requestCertificate(connectAs(t, controlPlane, credentials))).result.case, 'certificate')
    }
  })

  test('of many keys that use one token at the same time one joins', async (t) => {
    const controlPlane = await startControlPlane(t)
    const token = await controlPlane.createToken({ host: 'web-*', services: [] })
    const attempts = [1, 2, 3, 4, 5, 6].map(async (n) => joinBy(await newStore(t), `web-${n}`, token))
    const outcomes = await Promise.allSettled(attempts)
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
  })

  test('another host is refused and takes nothing from the token', async (t) => {
    const controlPlane = await startControlPlane(t)
    const token = await controlPlane.createToken({ host: 'web-1', services: [] })
    assert.equal((await refusalOf(joinBy(await newStore(t), 'web-2', token))).code, status.PERMISSION_DENIED)
    const listed = await controlPlane.ask<readonly TokenView[]>('GET', '/v1/tokens')
    assert.equal(listed.find(({ host }) => host === 'web-1')?.used, 0)
    await joinBy(await newStore(t), 'web-1', token)
  })

  test('whatever is wrong with a token, the answer is the same', async (t) => {
    const controlPlane = await startControlPlane(t)
    const bad = await badTokens(t, controlPlane)
    const refused = await Promise.all(
      Object.entries(bad).map(async ([name, token]) => [name, await enrolRefusal(t, controlPlane, token)]),
    )
    const expected = {
      code: status.PERMISSION_DENIED,
      details: 'the join token is not accepted: it is unknown, used, expired, revoked, or for another host',
    }
    assert.deepEqual(Object.fromEntries(refused), Object.fromEntries(Object.keys(bad).map((name) => [name, expected])))
  })

  test('a host that has joined already is not taken over by a new token', async (t) => {
    const controlPlane = await startControlPlane(t)
    const first = await joinHost(t, controlPlane, 'web-1')
    const { code, details } = await refusalOf(joinHost(t, controlPlane, 'web-1'))
    assert.equal(code, status.PERMISSION_DENIED)
    assert.match(details, /has joined already/)
    await requestCertificate(connectAs(t, controlPlane, first))
  })

  test('the token is sent to no server but a control plane that its root vouches for', async (t) => {
    const controlPlane = await startControlPlane(t)
    const { authority } = controlPlane
    const foreign = await foreignAuthority(t)
    const cp = { kind: 'control-plane', trustDomain: TRUST_DOMAIN, name: 'cp-1' } as const
    const fake = forge(foreign, cp)
    const impostors: Readonly<Record<string, HostCredentials>> = {
      'a foreign CA': withRoot(fake, foreign.root.pem),
      'a foreign CA that shows our root beside its own chain': withRoot(fake, authority.root.pem),
      'a foreign leaf below our intermediate and root': {
        keyPem: fake.keyPem,
        chainPem: `${firstOf(fake.chainPem)}\n${authority.intermediate.pem}\n${authority.root.pem}`,
      },
      'a leaf that names our intermediate and that another key signed': withRoot(
        forge({ ...authority, intermediateKey: generateKeyPair().privateKey }, cp),
        authority.root.pem,
      ),
      'a control plane of our mesh whose certificate has expired': withRoot(
        forge(authority, cp, { now: Date.now() - 60_000, ttl: 10_000 }),
        authority.root.pem,
      ),
      'a host of our mesh': withRoot(forge(authority, { ...cp, kind: 'host' }), authority.root.pem),
      'a service of our mesh': withRoot(forge(authority, { ...cp, kind: 'service' }), authority.root.pem),
    }
    for (const [name, credentials] of Object.entries(impostors)) {
      await t.test(`not to ${name}`, async (t) => {
        const { received, connections } = await joinAtServer(t, controlPlane, credentials)
        assert.equal(received, '')
        assert.ok(connections > 0)
      })
    }
    await t.test('but to one that it vouches for, which shows that the recording works', async (t) => {
      const { received, token } = await joinAtServer(
        t,
        controlPlane,
        withRoot(forge(authority, cp), authority.root.pem),
      )
      assert.ok(received.includes(token))
    })
  })

  test('a control plane that fails does not keep the host from the next one of the token', async (t) => {
    const controlPlane = await startControlPlane(t)
    const foreign = await foreignAuthority(t)
    const cp = { kind: 'control-plane', trustDomain: TRUST_DOMAIN, name: 'cp-1' } as const
    const server = await recordEverything(t, withRoot(forge(foreign, cp), foreign.root.pem))
    const tokenText = await controlPlane.createToken({ host: 'web-1', services: [] })
    const parsed = parseToken(tokenText)
    const token = { ...parsed, controlPlanes: [server.address, ...parsed.controlPlanes] }
    const joined = await joinMesh({ host: 'web-1', tokenText, token, store: await newStore(t) })
    assert.deepEqual(joined.controlPlane, controlPlane.address)
    assert.equal(await within(5_000, server.received()), '')
  })
})

suite('what a joined host gets', () => {
  test('certificates for services that its token or a host-policy allows, and for no others', async (t) => {
    const documents = 'kind: host-policy\nhosts: ["pay-*"]\nservices: [payments]\n'
    const controlPlane = await startControlPlane(t, { documents })
    const pay = connectAs(t, controlPlane, await joinHost(t, controlPlane, 'pay-1', ['ledger', 'batch-*']))
    const web = connectAs(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
    for (const service of ['ledger', 'payments', 'batch-night']) {
      const { result } = await requestCertificate(pay, service)
      assert.equal(result.case === 'certificate' && result.value.spiffeId, `spiffe://${TRUST_DOMAIN}/svc/${service}`)
    }
    const refused = [
      [pay, 'web'],
      [web, 'payments'],
      [web, 'ledger'],
      [web, 'web/../payments'],
      [web, ''],
      [web, 'WEB'],
    ] as const
    for (const [client, service] of refused) {
      const { result } = await requestCertificate(client, service)
      assert.equal(result.case, 'refused', service)
    }
  })

  test('a ban ends what the host has open within 5 s, and its renewal', async (t) => {
    const controlPlane = await startControlPlane(t)
    const credentials = await joinHost(t, controlPlane, 'web-1')
    const { ended } = await openStreams(connectAs(t, controlPlane, credentials))
    const { disconnected } = await controlPlane.ask<HostChanged>('POST', '/v1/hosts/web-1/ban', { reason: 'lost' })
    await within(5_000, ended)
    assert.equal(disconnected, 1)
    const [host] = await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')
    assert.equal(host?.status, 'banned')
    const renewal = requestCertificate(connectAs(t, controlPlane, credentials))
    const answer = await refusalOf(renewal)
    assert.deepEqual([answer.code, answer.details], [status.PERMISSION_DENIED, 'host web-1 is banned'])
    const { code, details } = await refusalOf(joinHost(t, controlPlane, 'web-1'))
    assert.deepEqual({ code, details }, { code: status.PERMISSION_DENIED, details: 'web-1 is banned' })
  })

  test('a ban of a name that is no host is listed, and counts as no host in the status', async (t) => {
    const controlPlane = await startControlPlane(t)
    await joinHost(t, controlPlane, 'web-1')
    for (const host of ['web-1', 'wbe-1']) await controlPlane.ask('POST', `/v1/hosts/${host}/ban`, { force: true })
    const hosts = await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')
    const banned = hosts.filter(({ status }) => status === 'banned').map(({ host }) => host)
    assert.deepEqual(banned, ['wbe-1', 'web-1'])
    assert.equal((await controlPlane.ask<StatusView>('GET', '/v1/status')).hosts.total, 1)
  })

  test('an evicted host joins again by a new token, and what it held before stays refused', async (t) => {
    const controlPlane = await startControlPlane(t)
    const before = await joinHost(t, controlPlane, 'web-1')
    await controlPlane.ask('POST', '/v1/hosts/web-1/evict')
    const after = await joinHost(t, controlPlane, 'web-1')
    const refused = await refusalOf(requestCertificate(connectAs(t, controlPlane, before)))
    assert.equal(refused.code, status.PERMISSION_DENIED)
    assert.match(refused.details, /^the certificate is none of host web-1 as it is enrolled now/)
    assert.equal((await requestCertificate(connectAs(t, controlPlane, after))).result.case, 'certificate')
  })

  test('a connection that was open as its host was evicted is ended', async (t) => {
    const controlPlane = await startControlPlane(t)
    const { ended } = await openStreams(connectAs(t, controlPlane, await joinHost(t, controlPlane, 'web-1')))
    await controlPlane.ask('POST', '/v1/hosts/web-1/evict')
    await within(5_000, ended)
  })
})

/** Opens the session and the xDS stream of a host. @returns the end of both, once both have been answered */
async function openStreams(client: Client): Promise<{ readonly ended: Promise<unknown> }> {
  const session = openSession(client)
  const sessionEnded = new Promise((resolve) => session.on('error', resolve))
  for (const report of [hostReport(), servicesReport('web')]) session.write(report)
  const ads = openDeltaCall(client)
  ads.write(encodeRequest({ typeUrl: CLUSTER, resourceNamesSubscribe: ['*'] }))
  const messages = ads.messages[Symbol.asyncIterator]()
  await within(5_000, messages.next())
  return { ended: Promise.all([sessionEnded, assert.rejects(readAll(messages))]) }
}

async function readAll(messages: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await messages.next()).done !== true);
}

/** One token of each way in which a token can be no good for the host web-1. */
async function badTokens(t: TestContext, controlPlane: TestControlPlane): Promise<Readonly<Record<string, string>>> {
  const used = await controlPlane.createToken({ host: 'other-1', services: [] })
  await joinBy(await newStore(t), 'other-1', used)
  const usedForHost = await controlPlane.createToken({ host: 'web-1*', services: [] })
  await joinBy(await newStore(t), 'web-10', usedForHost)
  const revoked = await controlPlane.ask<TokenCreated>('POST', '/v1/tokens', { host: 'web-1', services: [] })
  await controlPlane.ask('DELETE', `/v1/tokens/${revoked.id}`)
  const good = await controlPlane.createToken({ host: 'web-1', services: [] })
  return {
    used: usedForHost,
    'used, and for another host': used,
    'for another host': await controlPlane.createToken({ host: 'web-2', services: [] }),
    revoked: revoked.token,
    expired: await controlPlane.createToken({ host: 'web-1', services: [], ttlMs: 1 }),
    unknown: reworded(good, { id: '0123456789abcdef' }),
    'of a wrong secret': reworded(good, { secret: 'A'.repeat(43) }),
    malformed: 'mesh1.nonsense',
    empty: '',
  }
}

/** A token with other content. */
function reworded(token: string, change: Readonly<Record<string, string>>): string {
  const content = JSON.parse(Buffer.from(token.slice('mesh1.'.length), 'base64url').toString())
  return `mesh1.${Buffer.from(JSON.stringify({ ...content, ...change })).toString('base64url')}`
}

async function enrolRefusal(t: TestContext, controlPlane: TestControlPlane, token: string) {
  const proof = { case: 'token' as const, value: token }
  const request = create(EnrolRequestSchema, { host: 'web-1', csrPem: buildCsr(generateKeyPair()), proof })
  const { code, details } = await refusalOf(call(connectAs(t, controlPlane, undefined), enrol, request))
  return { code, details }
}

/** Tries to join at a server other than the control plane. */
async function joinAtServer(t: TestContext, controlPlane: TestControlPlane, credentials: HostCredentials) {
  const server = await recordEverything(t, credentials)
  const tokenText = await controlPlane.createToken({ host: 'web-1', services: [] })
  const token = { ...parseToken(tokenText), controlPlanes: [server.address] }
  await assert.rejects(joinMesh({ host: 'web-1', tokenText, token, store: await newStore(t) }), JoinFailed)
  return { received: await within(5_000, server.received()), connections: server.connections(), token: tokenText }
}

function withRoot({ keyPem, chainPem }: HostCredentials, rootPem: string): HostCredentials {
  return { keyPem, chainPem: `${chainPem.trimEnd()}\n${rootPem}` }
}

function firstOf(chainPem: string): string {
  return chainPem.slice(0, chainPem.indexOf('-----END CERTIFICATE-----') + '-----END CERTIFICATE-----'.length)
}

/** The status with which a control plane refuses. */
async function refusalOf(attempt: Promise<unknown>): Promise<ServiceError> {
  try {
    await attempt
  } catch (error) {
    return (error instanceof JoinFailed ? error.cause : error) as ServiceError
  }
  throw new assert.AssertionError({ message: 'it was not refused' })
}
