import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Identity } from '../../common/identity.js'
import { silentLog } from '../../common/log.js'
import { encodeDer } from '../../common/x509/asn1.js'
import { implicit, sequence } from '../../common/x509/asn1-write.js'
import { buildCsr } from '../../common/x509/csr.js'
import { basicConstraints, type Extension, keyUsage, subjectAltUris } from '../../common/x509/extensions.js'
import { generateKeyPair, importPrivateKey, spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { decodePem } from '../../common/x509/pem.js'
import { readPeerCertificate } from '../../common/x509/read.js'
import { initAuthority } from '../../controlplane/ca/authority.js'
import { IssueError, type IssueReason, issueLeaf } from '../../controlplane/ca/issue.js'
import { keepingLog, makeAuthority, NOW, openssl, TRUST_DOMAIN, temporaryDirectory } from './fixtures.js'

const HOUR_MS = 3_600_000
const WEB: Identity = { kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' }
const IDENTITIES: readonly (readonly [Identity, string])[] = [
  [WEB, 'spiffe://mesh.example/svc/web'],
  [{ kind: 'host', trustDomain: TRUST_DOMAIN, name: 'web-1.example' }, 'spiffe://mesh.example/host/web-1.example'],
  [{ kind: 'control-plane', trustDomain: TRUST_DOMAIN, name: 'cp-1' }, 'spiffe://mesh.example/control-plane/cp-1'],
]

for (const [identity, spiffeId] of IDENTITIES) {
  test(`a leaf for a ${identity.kind} passes openssl's strict verification for both ends of a connection`, async (t) => {
    const authority = await makeAuthority(t)
    const issued = issueLeaf(authority, { csrPem: buildCsr(generateKeyPair()), identity, now: NOW }, silentLog)
    const files = { 'root.pem': authority.bundlePem, 'chain.pem': issued.chainPem }
    const verify = [
      'verify',
      '-x509_strict',
      '-attime',
      String(NOW / 1000),
      '-CAfile',
      'root.pem',
      '-untrusted',
      'chain.pem',
    ]
    for (const purpose of ['sslserver', 'sslclient']) {
      assert.equal(await openssl(t, files, [...verify, '-purpose', purpose, 'chain.pem']), 'chain.pem: OK\n')
    }
    const text = await openssl(t, files, ['x509', '-in', 'chain.pem', '-noout', '-text'])
    assert.match(text, /Subject: *\n/)
    assert.match(text, new RegExp(`Alternative Name: critical\n +URI:${spiffeId}\n`))
    assert.match(text, /Basic Constraints: critical\n +CA:FALSE\n/)
    assert.match(text, /Key Usage: critical\n +Digital Signature\n/)
    assert.match(text, /Extended Key Usage: ?\n +TLS Web Server Authentication, TLS Web Client Authentication\n/)
  })
}

test('a leaf is for the key of its CSR, lives 72 hours from two minutes ago, and comes with the intermediate', async (t) => {
  const authority = await makeAuthority(t)
  const keys = generateKeyPair()
  const issued = issueLeaf(authority, { csrPem: buildCsr(keys), identity: WEB, now: NOW }, silentLog)
  const [leaf = Buffer.alloc(0), intermediate, ...more] = decodePem('CERTIFICATE', issued.chainPem)
  assert.deepEqual(more, [])
  assert.deepEqual(intermediate, authority.intermediate.der)
  assert.deepEqual(spkiOf(new X509Certificate(leaf).publicKey), spkiOf(keys.publicKey))
  const { identity, notBefore, notAfter, serial } = readPeerCertificate(leaf)
  assert.deepEqual([notBefore, notAfter], [NOW - 120_000, NOW - 120_000 + 72 * HOUR_MS])
  assert.deepEqual(identity, WEB)
  assert.deepEqual({ serial, notAfter }, { serial: issued.serial, notAfter: issued.notAfter })
  assert.equal(issued.spiffeId, 'spiffe://mesh.example/svc/web')
})

test('a short-lived leaf begins only a tenth of its life ago', async (t) => {
  const authority = await makeAuthority(t)
  const issued = issueLeaf(
    authority,
    { csrPem: buildCsr(generateKeyPair()), identity: WEB, ttl: 10_000, now: NOW },
    silentLog,
  )
  const [leaf = Buffer.alloc(0)] = decodePem('CERTIFICATE', issued.chainPem)
  const { notBefore, notAfter } = readPeerCertificate(leaf)
  assert.deepEqual([notBefore, notAfter], [NOW - 1_000, NOW + 9_000])
})

test('a leaf never outlives its intermediate, and none is issued once that has expired', async (t) => {
  const authority = await makeAuthority(t)
  const end = authority.intermediate.certificate.notAfter
  const csrPem = buildCsr(generateKeyPair())
  assert.equal(issueLeaf(authority, { csrPem, identity: WEB, now: end - HOUR_MS }, silentLog).notAfter, end)
  for (const now of [end, authority.intermediate.certificate.notBefore - 1]) {
    assert.throws(() => issueLeaf(authority, { csrPem, identity: WEB, now }, silentLog), refusedFor('signer-not-valid'))
  }
})

test('serials are 16 random bytes with the top bit 0, and differ', async (t) => {
  const authority = await makeAuthority(t)
  const csrPem = buildCsr(generateKeyPair())
  const serials = new Set<string>()
  for (let count = 0; count < 500; count++)
    serials.add(issueLeaf(authority, { csrPem, identity: WEB, now: NOW }, silentLog).serial)
  assert.equal(serials.size, 500)
  for (const serial of serials) assert.match(serial, /^[0-7][0-9a-f]{15,31}$/)
})

test('a CSR may ask for exactly the name that it gets anyway', async (t) => {
  const authority = await makeAuthority(t)
  for (const [identity, spiffeId] of IDENTITIES) {
    const csrPem = buildCsr(generateKeyPair(), [subjectAltUris([spiffeId], false), basicConstraints({ ca: false })])
    assert.equal(issueLeaf(authority, { csrPem, identity, now: NOW }, silentLog).spiffeId, spiffeId)
  }
})

const uri = (...uris: readonly string[]) => [subjectAltUris(uris, false)]
const dns = encodeDer(sequence(implicit(2, Buffer.from('web.example'))))

const REFUSED: readonly (readonly [name: string, requested: readonly Extension[], reason: IssueReason])[] = [
  ['another service', uri('spiffe://mesh.example/svc/db'), 'another-service'],
  ['a host', uri('spiffe://mesh.example/host/web'), 'another-host'],
  ['a control plane', uri('spiffe://mesh.example/control-plane/web'), 'another-control-plane'],
  ['its name in another trust domain', uri('spiffe://other.example/svc/web'), 'another-trust-domain'],
  ['the bare trust domain', uri('spiffe://mesh.example'), 'bare-trust-domain'],
  ['the trust domain with a slash', uri('spiffe://mesh.example/'), 'bare-trust-domain'],
  ['its own name and another', uri('spiffe://mesh.example/svc/web', 'spiffe://mesh.example/svc/db'), 'several-names'],
  ['its own name twice', uri('spiffe://mesh.example/svc/web', 'spiffe://mesh.example/svc/web'), 'several-names'],
  ['its name in upper case', uri('spiffe://mesh.example/svc/WEB'), 'malformed-spiffe-id'],
  ['its name by a detour', uri('spiffe://mesh.example/svc/../svc/web'), 'malformed-spiffe-id'],
  ['its name with a percent', uri('spiffe://mesh.example/svc/%77eb'), 'malformed-spiffe-id'],
  ['its name with a query', uri('spiffe://mesh.example/svc/web?x'), 'malformed-spiffe-id'],
  ['its name and a port', uri('spiffe://mesh.example:443/svc/web'), 'malformed-spiffe-id'],
  ['its name and a comma', uri('spiffe://mesh.example/svc/web,'), 'malformed-spiffe-id'],
  ['a DNS name', [{ oid: OID.subjectAltName, critical: false, value: dns }], 'name-is-no-uri'],
  ['being a CA', [basicConstraints({ ca: true })], 'ca-requested'],
  ['signing certificates', [keyUsage('keyCertSign')], 'ca-requested'],
]

for (const [name, requested, reason] of REFUSED) {
  test(`a CSR of service web that asks for ${name} is refused and audited as ${reason}`, async (t) => {
    const authority = await makeAuthority(t)
    const { log, lines } = keepingLog()
    const csrPem = buildCsr(generateKeyPair(), requested)
    assert.throws(
      () => issueLeaf(authority, { csrPem, identity: WEB, host: 'web-1', now: NOW }, log),
      refusedFor(reason),
    )
    assert.deepEqual(lines, [
      {
        level: 'warn',
        message: 'certificate decision',
        audit: true,
        decision: 'refused',
        identity: 'spiffe://mesh.example/svc/web',
        host: 'web-1',
        reason,
      },
    ])
  })
}

test('a malformed CSR is refused with the reason of its reader', async (t) => {
  const authority = await makeAuthority(t)
  const { log, lines } = keepingLog()
  assert.throws(
    () => issueLeaf(authority, { csrPem: '', identity: WEB, now: NOW }, log),
    refusedFor('not-one-pem-block'),
  )
  assert.equal(lines[0]?.reason, 'not-one-pem-block')
})

test('no certificate is issued for the key of a CA, though its holder signed the CSR', async (t) => {
  const directory = join(await temporaryDirectory(t), 'ca')
  const authority = await initAuthority(directory, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1', now: NOW })
  for (const name of ['root.key', 'intermediate.key']) {
    const privateKey = importPrivateKey(await readFile(join(directory, name), 'utf8'))
    const csrPem = buildCsr({ privateKey, publicKey: privateKey })
    assert.throws(
      () => issueLeaf(authority, { csrPem, identity: WEB, now: NOW }, silentLog),
      refusedFor('ca-key'),
      name,
    )
  }
  await rm(directory, { recursive: true })
})

test('nothing is issued for another trust domain, for no time, or for more than 72 hours', async (t) => {
  const authority = await makeAuthority(t)
  const csrPem = buildCsr(generateKeyPair())
  const foreign = { ...WEB, trustDomain: 'other.example' }
  assert.throws(
    () => issueLeaf(authority, { csrPem, identity: foreign, now: NOW }, silentLog),
    refusedFor('identity-of-another-trust-domain'),
  )
  for (const ttl of [0, -1, Number.NaN, 72 * HOUR_MS + 1]) {
    assert.throws(
      () => issueLeaf(authority, { csrPem, identity: WEB, ttl, now: NOW }, silentLog),
      refusedFor('ttl-not-allowed'),
    )
  }
})

test('a certificate that breaks the profile does not leave, though it was signed', async (t) => {
  const authority = { ...(await makeAuthority(t)), intermediateKey: generateKeyPair().privateKey }
  const { log, lines } = keepingLog()
  const csrPem = buildCsr(generateKeyPair())
  assert.throws(() => issueLeaf(authority, { csrPem, identity: WEB, now: NOW }, log), refusedFor('profile-broken'))
  assert.equal(lines[0]?.reason, 'profile-broken')
})

test('a certificate that was issued leaves one line of audit with its serial', async (t) => {
  const authority = await makeAuthority(t)
  const { log, lines } = keepingLog()
  const issued = issueLeaf(
    authority,
    { csrPem: buildCsr(generateKeyPair()), identity: WEB, host: 'web-1', now: NOW },
    log,
  )
  assert.deepEqual(lines, [
    {
      level: 'info',
      message: 'certificate decision',
      audit: true,
      decision: 'granted',
      identity: 'spiffe://mesh.example/svc/web',
      host: 'web-1',
      serial: issued.serial,
      expires: new Date(issued.notAfter).toISOString(),
    },
  ])
})

function refusedFor(reason: IssueReason) {
  return (error: unknown) => {
    assert.ok(error instanceof IssueError, String(error))
    assert.equal(error.reason, reason, error.message)
    return true
  }
}
