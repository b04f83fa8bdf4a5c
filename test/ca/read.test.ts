import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { DerError, encodeDer } from '../../common/x509/asn1.js'
import { implicit, sequence } from '../../common/x509/asn1-write.js'
import { buildCertificate, buildName } from '../../common/x509/certificate.js'
import { basicConstraints, type Extension, subjectAltUris } from '../../common/x509/extensions.js'
import { exportPrivateKey, generateKeyPair, importPrivateKey, KeyError, spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { parseCertificate } from '../../common/x509/parse-certificate.js'
import { decodePem, encodePem, PemError } from '../../common/x509/pem.js'
import { fingerprintOf, readPeerCertificate, spiffeUriOf } from '../../common/x509/read.js'
import { NOW, seededRandom } from './fixtures.js'

const keys = generateKeyPair()
const WEB = 'spiffe://mesh.example/svc/web'

function certificate(...extensions: readonly Extension[]): Buffer {
  const fields = {
    serial: Buffer.from('0080ff', 'hex'),
    issuer: buildName('a test'),
    subject: buildName(),
    spkiDer: spkiOf(keys.publicKey),
    notBefore: NOW,
    notAfter: NOW + 60_999,
    extensions: [basicConstraints({ ca: false }), ...extensions],
  }
  return buildCertificate(fields, keys.privateKey)
}

test('a peer is who the one URI of its certificate says, with serial and times', () => {
  const der = certificate(subjectAltUris([WEB], true))
  const want = {
    identity: { kind: 'service', trustDomain: 'mesh.example', name: 'web' },
    serial: '0080ff',
    issuer: buildName('a test'),
    notBefore: NOW,
    notAfter: NOW + 60_000,
  }
  assert.deepEqual(readPeerCertificate(der), want)
  assert.deepEqual(readPeerCertificate(new X509Certificate(der)), want)
  assert.equal(new X509Certificate(der).serialNumber.toLowerCase(), '80ff')
})

test('a certificate with DNS names beside its one URI still has that identity', () => {
  const value = encodeDer(sequence(implicit(2, Buffer.from('web.example')), implicit(6, Buffer.from(WEB))))
  const der = certificate({ oid: OID.subjectAltName, critical: false, value })
  assert.equal(readPeerCertificate(der).identity?.name, 'web')
})

const NOBODY: readonly (readonly [string, readonly Extension[]])[] = [
  ['no subjectAltName', []],
  ['two URIs', [subjectAltUris([WEB, 'spiffe://mesh.example/svc/db'], true)]],
  ['the same URI twice', [subjectAltUris([WEB, WEB], true)]],
  [
    'a URI that looks like two in a list with commas',
    [subjectAltUris([`${WEB}, URI:spiffe://mesh.example/svc/db`], true)],
  ],
  ['a URI with something before it', [subjectAltUris([` ${WEB}`], true)]],
  ['a URI with a line break after it', [subjectAltUris([`${WEB}\n`], true)]],
  ['a URI that ends in a zero byte', [subjectAltUris([`${WEB}\0`], true)]],
  ['a URI that climbs up', [subjectAltUris(['spiffe://mesh.example/svc/../host/web'], true)]],
  ['a bare trust domain', [subjectAltUris(['spiffe://mesh.example'], true)]],
  ['a URI in another case', [subjectAltUris(['SPIFFE://mesh.example/svc/web'], true)]],
  [
    'its identity as a DNS name',
    [{ oid: OID.subjectAltName, critical: true, value: encodeDer(sequence(implicit(2, Buffer.from(WEB)))) }],
  ],
]

for (const [name, extensions] of NOBODY) {
  test(`a certificate with ${name} is nobody's`, () => {
    const der = certificate(...extensions)
    assert.equal(readPeerCertificate(der).identity, undefined)
    assert.equal(readPeerCertificate(der).notAfter, NOW + 60_000)
  })
}

test('only a certificate with one URI has one', () => {
  assert.equal(spiffeUriOf(parseCertificate(certificate(subjectAltUris([WEB], true)))), WEB)
  assert.equal(spiffeUriOf(parseCertificate(certificate(subjectAltUris([WEB, WEB], true)))), undefined)
  assert.equal(spiffeUriOf(parseCertificate(certificate())), undefined)
})

test("two subjectAltName extensions make a certificate unreadable, nobody's and expired", () => {
  const der = certificate(subjectAltUris([WEB], true), subjectAltUris(['spiffe://mesh.example/svc/db'], true))
  assert.throws(() => parseCertificate(der), DerError)
  const nobody = { identity: undefined, serial: '', issuer: Buffer.alloc(0), notBefore: 0, notAfter: 0 }
  assert.deepEqual(readPeerCertificate(der), nobody)
})

test('reading a peer never throws, whatever bytes it presents', () => {
  const random = seededRandom(7)
  const der = certificate(subjectAltUris([WEB], true))
  for (let round = 0; round < 5_000; round++) {
    const mutated = Buffer.from(der)
    mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256)
    const length = random() < 0.2 ? Math.floor(random() * mutated.length) : mutated.length
    assert.doesNotThrow(() => readPeerCertificate(mutated.subarray(0, length)))
  }
})

test('the fingerprint is what openssl calls the SHA-256 fingerprint, without colons', () => {
  const der = certificate()
  const { fingerprint256 } = new X509Certificate(der)
  assert.equal(fingerprintOf(der), fingerprint256.replaceAll(':', '').toLowerCase())
})

test('a bundle of PEM blocks is read in its order, and nothing but blocks', () => {
  const [one, two] = [certificate(), certificate(subjectAltUris([WEB], true))] as const
  const bundle = `${encodePem('CERTIFICATE', one)}\n${encodePem('CERTIFICATE', two)}`
  assert.deepEqual(decodePem('CERTIFICATE', bundle), [one, two])
  assert.deepEqual(decodePem('CERTIFICATE', bundle.replaceAll('\n', '\r\n')), [one, two])
  assert.throws(() => decodePem('CERTIFICATE', `${bundle}# a comment`), PemError)
  assert.throws(() => decodePem('CERTIFICATE', ''), PemError)
})

test('a private key survives its PEM, and keys of another kind are refused without a word of them', () => {
  assert.ok(importPrivateKey(exportPrivateKey(keys.privateKey)).equals(keys.privateKey))
  const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n'
  assert.throws(
    () => importPrivateKey(pem),
    (error) => error instanceof KeyError && !`${error.message}${String(error.cause)}`.includes('c2VjcmV0'),
  )
})
