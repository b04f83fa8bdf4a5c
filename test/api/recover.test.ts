import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type ServiceError, status } from '@grpc/grpc-js'
import { call, recover } from '../../agent/control-plane/calls.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { buildRecovery } from '../../agent/identity/recovery.js'
import { validityOf } from '../../agent/identity/store.js'
import { type RecoverRequest, RecoverRequestSchema } from '../../common/proto/mesh/v1/mesh_pb.js'
import { buildCsr } from '../../common/x509/csr.js'
import { subjectAltUris } from '../../common/x509/extensions.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { connectAs, foreignAuthority, forge, joinHost, requestCertificate } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane } from './control-plane.js'
import { TRUST_DOMAIN } from './watched-log.js'

const WEB_1 = { kind: 'host', trustDomain: TRUST_DOMAIN, name: 'web-1' } as const

type Make = (
  old: HostCredentials,
  controlPlane: TestControlPlane,
  t: TestContext,
) => RecoverRequest | Promise<RecoverRequest>

const csr = () => buildCsr(generateKeyPair())

function ownKey(chainPem: string): HostCredentials {
  return { keyPem: exportPrivateKey(generateKeyPair().privateKey), chainPem }
}

/** Reasons of refusals that are told only after the old key has been proven. */
const PROVEN = ['banned', 'not-the-last-certificate']

const REFUSED: readonly (readonly [name: string, make: Make, reason: string])[] = [
  ['to a banned host', bannedHost, 'banned'],
  ['to an evicted host', evictedHost, 'not-the-last-certificate'],
  [
    'to who has the certificate and not its key',
    (old) => buildRecovery(ownKey(old.chainPem), csr()),
    'not-signed-by-the-old-key',
  ],
  [
    'for another CSR than was signed',
    (old) => ({ ...buildRecovery(old, csr()), csrPem: csr() }),
    'not-signed-by-the-old-key',
  ],
  [
    'without a signature',
    (old) => create(RecoverRequestSchema, { csrPem: csr(), oldChainPem: old.chainPem }),
    'not-signed-by-the-old-key',
  ],
  [
    'by a certificate of the host that the mesh did not issue',
    (_, { authority }) => buildRecovery(forge(authority, WEB_1), csr()),
    'not-the-last-certificate',
  ],
  [
    'by a certificate of a foreign CA',
    async (_, __, t) => buildRecovery(forge(await foreignAuthority(t), WEB_1), csr()),
    'no-host-certificate',
  ],
  [
    'by a certificate that names our intermediate and that another key signed',
    (_, { authority }) =>
      buildRecovery(forge({ ...authority, intermediateKey: generateKeyPair().privateKey }, WEB_1), csr()),
    'no-host-certificate',
  ],
  [
    'by the certificate of a service',
    (_, { authority }) => buildRecovery(forge(authority, { ...WEB_1, kind: 'service' }), csr()),
    'no-host-certificate',
  ],
  [
    'by the certificate of a control plane',
    (_, { authority }) => buildRecovery(forge(authority, { ...WEB_1, kind: 'control-plane' }), csr()),
    'no-host-certificate',
  ],
  [
    'by a leaf without its intermediate',
    (old) => ({
      ...buildRecovery(old, csr()),
      oldChainPem: old.chainPem.split(/(?<=END CERTIFICATE-----\n)/)[0] ?? '',
    }),
    'no-host-certificate',
  ],
  [
    'by a leaf that its own holder extended by a leaf',
    (old, { authority }) => {
      const below = forge({ ...authority, intermediateKey: generateKeyPair().privateKey }, WEB_1)
      const [leaf = ''] = below.chainPem.split(/(?<=END CERTIFICATE-----\n)/)
      return buildRecovery({ keyPem: below.keyPem, chainPem: leaf + old.chainPem }, csr())
    },
    'no-host-certificate',
  ],
  ['by no certificate', (old) => ({ ...buildRecovery(old, csr()), oldChainPem: '' }), 'no-host-certificate'],
  ['by nonsense', (old) => ({ ...buildRecovery(old, csr()), oldChainPem: 'x'.repeat(20_000) }), 'no-host-certificate'],
]

suite('recovery of a host whose certificate has expired', { concurrency: true }, () => {
  test('its old key gets a new one a certificate, with which it is let in again', async (t) => {
    const controlPlane = await startControlPlane(t, { leafTtl: '10s' })
    const old = await joinHost(t, controlPlane, 'web-1', ['web'])
    const restarted = await restart(t, controlPlane, () => until(validityOf(old.chainPem).notAfter + 500))
    await assert.rejects(requestCertificate(connectAs(t, restarted, old)), { code: status.UNAVAILABLE })
    const renewed = await recoverAs(t, restarted, old)
    const { result } = await requestCertificate(connectAs(t, restarted, renewed), 'web')
    assert.equal(result.case, 'certificate')
    assert.ok(restarted.lines.some(({ message }) => message === 'a host recovered by its expired certificate'))
  })

  test('is not granted longer than the grace after the end', async (t) => {
    const controlPlane = await startControlPlane(t, { leafTtl: '10s', recoveryGrace: '0s' })
    const old = await joinHost(t, controlPlane, 'web-1')
    await until(validityOf(old.chainPem).notAfter + 100)
    const refusal = await refusalOf(recoverAs(t, controlPlane, old))
    assert.equal(refusal.code, status.PERMISSION_DENIED)
    assert.match(refusal.details, /expired more than 0s ago; "mesh host web-1 evict" and a new token/)
    assert.equal(reasonOf(controlPlane), 'expired-for-too-long')
  })
})

suite('recovery', () => {
  test('can be asked for again, since an answer can be lost, and again after a restart', async (t) => {
    const controlPlane = await startControlPlane(t)
    const old = await joinHost(t, controlPlane, 'web-1')
    await recoverAs(t, controlPlane, old)
    await recoverAs(t, await restart(t, controlPlane), old)
  })

  test('gives who repeats a request a certificate for a key that he does not have', async (t) => {
    const controlPlane = await startControlPlane(t)
    const old = await joinHost(t, controlPlane, 'web-1')
    const overheard = buildRecovery(old, buildCsr(generateKeyPair()))
    const stranger = connectAs(t, controlPlane, undefined)
    const { certificate } = await call(stranger, recover, overheard)
    const thief = { keyPem: exportPrivateKey(generateKeyPair().privateKey), chainPem: certificate?.chainPem ?? '' }
    assert.throws(() => connectAs(t, controlPlane, thief), /key values mismatch/)
    const own = { ...overheard, csrPem: buildCsr(generateKeyPair()) }
    assert.equal((await refusalOf(call(stranger, recover, own))).code, status.PERMISSION_DENIED)
  })

  test('is not granted for a certificate once a later one was used to renew', async (t) => {
    const controlPlane = await startControlPlane(t)
    const first = await joinHost(t, controlPlane, 'web-1')
    const second = await renew(t, controlPlane, first)
    // The answer to the first may have been lost: only the use of the second shows that it has arrived.
    await recoverAs(t, controlPlane, first)
    await renew(t, controlPlane, second)
    assert.match((await refusalOf(recoverAs(t, controlPlane, first))).details, /not the last one of host web-1/)
    assert.equal(reasonOf(controlPlane), 'not-the-last-certificate')
    await recoverAs(t, controlPlane, second)
  })

  for (const [name, make, reason] of REFUSED) {
    test(`is not granted ${name}`, async (t) => {
      const controlPlane = await startControlPlane(t)
      const old = await joinHost(t, controlPlane, 'web-1', ['web'])
      const request = await make(old, controlPlane, t)
      const refusal = await refusalOf(call(connectAs(t, controlPlane, undefined), recover, request))
      assert.equal(refusal.code, reason === 'no-host-certificate' ? status.INVALID_ARGUMENT : status.PERMISSION_DENIED)
      assert.equal(reasonOf(controlPlane), reason)
      // Nothing of the host is told to who has not proven its key.
      if (!PROVEN.includes(reason)) assert.doesNotMatch(refusal.details, /web-1/)
    })
  }

  test('takes nothing from a CSR but its key', async (t) => {
    const controlPlane = await startControlPlane(t)
    const old = await joinHost(t, controlPlane, 'web-1')
    const csrPem = buildCsr(generateKeyPair(), [subjectAltUris([`spiffe://${TRUST_DOMAIN}/host/web-2`], false)])
    const refused = call(connectAs(t, controlPlane, undefined), recover, buildRecovery(old, csrPem))
    assert.equal((await refusalOf(refused)).code, status.INVALID_ARGUMENT)
    assert.equal(reasonOf(controlPlane), 'another-host')
  })
})

async function bannedHost(old: HostCredentials, controlPlane: TestControlPlane): Promise<RecoverRequest> {
  await controlPlane.ask('POST', '/v1/hosts/web-1/ban', {})
  return buildRecovery(old, csr())
}

async function evictedHost(
  old: HostCredentials,
  controlPlane: TestControlPlane,
  t: TestContext,
): Promise<RecoverRequest> {
  await controlPlane.ask('POST', '/v1/hosts/web-1/evict')
  await joinHost(t, controlPlane, 'web-1')
  return buildRecovery(old, csr())
}

async function recoverAs(
  t: TestContext,
  controlPlane: TestControlPlane,
  old: HostCredentials,
): Promise<HostCredentials> {
  const keys = generateKeyPair()
  const request = buildRecovery(old, buildCsr(keys))
  const { certificate } = await call(connectAs(t, controlPlane, undefined), recover, request)
  return { keyPem: exportPrivateKey(keys.privateKey), chainPem: certificate?.chainPem ?? '' }
}

async function renew(t: TestContext, controlPlane: TestControlPlane, by: HostCredentials): Promise<HostCredentials> {
  const { keyPem, result } = await requestCertificate(connectAs(t, controlPlane, by))
  if (result.case !== 'certificate') throw new Error(`no certificate: ${result.value}`)
  return { keyPem, chainPem: result.value.chainPem }
}

/** Stops a control plane and starts it again, with something in between. */
async function restart(t: TestContext, { directory, stop }: TestControlPlane, between?: () => Promise<void>) {
  await stop()
  await between?.()
  return startControlPlane(t, { directory })
}

/** Waits until the wall clock shows this time, milliseconds. */
function until(time: number): Promise<void> {
  return eventually(async () => assert.ok(Date.now() >= time), 30_000)
}

/** The reason of the last refusal in the audit. */
function reasonOf({ lines }: TestControlPlane): unknown {
  return lines.findLast(({ fields }) => fields['audit'] === true && fields['decision'] === 'refused')?.fields['reason']
}

/** The status with which a control plane refuses. */
async function refusalOf(attempt: Promise<unknown>): Promise<ServiceError> {
  try {
    await attempt
  } catch (error) {
    return error as ServiceError
  }
  throw new assert.AssertionError({ message: 'it was not refused' })
}
