import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Identity } from '../../common/identity.js'
import { decodeDer, type Element, encodeDer } from '../../common/x509/asn1.js'
import { implicit, namedBits, oid, sequence } from '../../common/x509/asn1-write.js'
import { buildCertificate, buildName, type CertificateFields } from '../../common/x509/certificate.js'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  keyUsage,
  subjectAltUris,
  subjectKeyIdentifier,
} from '../../common/x509/extensions.js'
import { generateKeyPair, spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import type { Authority } from '../../controlplane/ca/authority.js'
import { signTemplate } from '../../controlplane/ca/sign.js'
import { buildLeafTemplate, DEFAULT_LEAF_TTL_MS } from '../../controlplane/ca/template.js'
import { type BrokenRule, type Expectation, validateLeaf } from '../../controlplane/ca/validate.js'
import { makeAuthority, NOW, TRUST_DOMAIN } from './fixtures.js'

/** The rows that a certificate breaks. */
const brokenRules = (...of: Parameters<typeof validateLeaf>): readonly BrokenRule[] => validateLeaf(...of).broken ?? []

const identity: Identity = { kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' }
const keys = generateKeyPair()
const spkiDer = spkiOf(keys.publicKey)
const expected: Expectation = { spiffeId: 'spiffe://mesh.example/svc/web', spkiDer, now: NOW }
const DAY_MS = 86_400_000

function template(authority: Authority): CertificateFields {
  return buildLeafTemplate(
    { identity, spkiDer, ttl: DEFAULT_LEAF_TTL_MS, now: NOW },
    authority.intermediate.certificate,
  )
}

/** The extensions of a template with some replaced, and undefined ones left out. */
function replace(fields: CertificateFields, id: string, ...by: readonly Extension[]): readonly Extension[] {
  return fields.extensions.flatMap((extension) => (extension.oid === id ? by : [extension]))
}

test('what the template makes keeps every row of the profile', async (t) => {
  const authority = await makeAuthority(t)
  assert.deepEqual(brokenRules(signTemplate(template(authority), authority), expected, authority), [])
})

type Mutation = (fields: CertificateFields, authority: Authority) => Partial<CertificateFields>
const extension =
  (id: string, ...by: readonly Extension[]): Mutation =>
  (fields) => ({ extensions: replace(fields, id, ...by) })
const raw = (id: string, critical: boolean, value: Element): Extension => ({
  oid: id,
  critical,
  value: encodeDer(value),
})
const softened =
  (id: string): Mutation =>
  (fields) => ({
    extensions: fields.extensions.map((one) => (one.oid === id ? { ...one, critical: !one.critical } : one)),
  })
const k256 = spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)
const both = sequence(implicit(6, Buffer.from(expected.spiffeId)), implicit(2, Buffer.from('web.example')))

const MUTATIONS: readonly (readonly [name: string, mutate: Mutation, broken: readonly BrokenRule[]])[] = [
  ['with a serial of zero', () => ({ serial: Buffer.alloc(16) }), ['serial']],
  ['with a serial of one byte', () => ({ serial: Buffer.of(1) }), ['serial']],
  ['with a serial of 17 bytes', () => ({ serial: Buffer.alloc(17, 1) }), ['serial']],
  ['with a serial whose top bit is 1', () => ({ serial: Buffer.alloc(16, 0xff) }), ['serial']],
  ['from another issuer', () => ({ issuer: buildName('somebody') }), ['issuer']],
  ['with a subject', () => ({ subject: buildName('web') }), ['subject']],
  ['for another key', () => ({ spkiDer: spkiOf(generateKeyPair().publicKey) }), ['key', 'subject-key-identifier']],
  ['for a key on another curve', () => ({ spkiDer: k256 }), ['key', 'key-type', 'subject-key-identifier']],
  [
    "for the intermediate's key",
    (_, { intermediate }) => ({ spkiDer: intermediate.certificate.spkiDer }),
    ['key', 'ca-key', 'subject-key-identifier'],
  ],
  [
    "for the root's key",
    (_, { root }) => ({ spkiDer: root.certificate.spkiDer }),
    ['key', 'ca-key', 'subject-key-identifier'],
  ],
  [
    'for another service',
    extension(OID.subjectAltName, subjectAltUris(['spiffe://mesh.example/svc/db'], true)),
    ['name'],
  ],
  [
    'for two services',
    extension(OID.subjectAltName, subjectAltUris([expected.spiffeId, 'spiffe://mesh.example/svc/db'], true)),
    ['name'],
  ],
  ['with a DNS name beside', extension(OID.subjectAltName, raw(OID.subjectAltName, true, both)), ['name']],
  ['without a name', extension(OID.subjectAltName), ['name', 'extensions']],
  ['with a name that is not critical', softened(OID.subjectAltName), ['extensions']],
  ['that is a CA', extension(OID.basicConstraints, basicConstraints({ ca: true })), ['basic-constraints']],
  [
    'that has a path length',
    extension(OID.basicConstraints, raw(OID.basicConstraints, true, sequence({ tag: 2, bytes: Buffer.of(0) }))),
    ['encoding'],
  ],
  ['without basicConstraints', extension(OID.basicConstraints), ['basic-constraints', 'extensions']],
  ['with basicConstraints that are not critical', softened(OID.basicConstraints), ['extensions']],
  ['that may sign certificates', extension(OID.keyUsage, keyUsage('digitalSignature', 'keyCertSign')), ['key-usage']],
  ['that may agree on keys', extension(OID.keyUsage, keyUsage('keyAgreement')), ['key-usage']],
  [
    'with a key usage that nobody knows',
    extension(OID.keyUsage, raw(OID.keyUsage, true, namedBits([0, 9]))),
    ['encoding'],
  ],
  ['without keyUsage', extension(OID.keyUsage), ['key-usage', 'extensions']],
  ['with a keyUsage that is not critical', softened(OID.keyUsage), ['extensions']],
  [
    'for servers alone',
    extension(OID.extKeyUsage, raw(OID.extKeyUsage, false, sequence(oid(OID.serverAuth)))),
    ['extended-key-usage'],
  ],
  [
    'for signing code too',
    extension(
      OID.extKeyUsage,
      raw(OID.extKeyUsage, false, sequence(oid(OID.serverAuth), oid(OID.clientAuth), oid('1.3.6.1.5.5.7.3.3'))),
    ),
    ['extended-key-usage'],
  ],
  ['without extKeyUsage', extension(OID.extKeyUsage), ['extended-key-usage', 'extensions']],
  [
    "with another key's identifier",
    extension(OID.subjectKeyIdentifier, subjectKeyIdentifier(spkiOf(generateKeyPair().publicKey))),
    ['subject-key-identifier'],
  ],
  ['without its identifier', extension(OID.subjectKeyIdentifier), ['subject-key-identifier', 'extensions']],
  [
    "with another signer's identifier",
    extension(OID.authorityKeyIdentifier, authorityKeyIdentifier(Buffer.alloc(20))),
    ['issuer', 'authority-key-identifier'],
  ],
  [
    "without its signer's identifier",
    extension(OID.authorityKeyIdentifier),
    ['authority-key-identifier', 'extensions'],
  ],
  [
    'with an extension that nobody asked for',
    ({ extensions }) => ({ extensions: [...extensions, raw('1.2.3.4', false, sequence())] }),
    ['extensions'],
  ],
  [
    'with one extension twice',
    ({ extensions }) => ({ extensions: [...extensions, ...extensions.slice(0, 1)] }),
    ['encoding'],
  ],
  ['that is not valid yet', () => ({ notBefore: NOW + 1_000 }), ['valid-now']],
  ['that has expired', () => ({ notAfter: NOW }), ['valid-now']],
  ['that ends before it begins', () => ({ notBefore: NOW, notAfter: NOW - 1_000 }), ['valid-now']],
  ['that lives a second too long', ({ notAfter }) => ({ notAfter: notAfter + 1_000 }), ['life-length']],
  [
    'that outlives its signer',
    (_, { intermediate }) => ({ notAfter: intermediate.certificate.notAfter + 1_000 }),
    ['life-length', 'within-signer'],
  ],
  ['that is older than its signer', () => ({ notBefore: NOW - DAY_MS, notAfter: NOW + 1_000 }), ['within-signer']],
]

for (const [name, mutate, broken] of MUTATIONS) {
  test(`a certificate ${name} does not pass`, async (t) => {
    const authority = await makeAuthority(t)
    const fields = template(authority)
    const der = signTemplate({ ...fields, ...mutate(fields, authority) }, authority)
    assert.deepEqual(brokenRules(der, expected, authority), broken)
  })
}

test('a certificate that another key signed does not pass', async (t) => {
  const authority = await makeAuthority(t)
  const der = buildCertificate(template(authority), keys.privateKey)
  assert.deepEqual(brokenRules(der, expected, authority), ['signature'])
})

test('a certificate of another CA does not pass', async (t) => {
  const [authority, foreign] = [await makeAuthority(t), await makeAuthority(t)]
  const der = signTemplate(template(foreign), foreign)
  assert.deepEqual(brokenRules(der, expected, authority), ['issuer', 'signature', 'authority-key-identifier'])
})

test('a certificate does not pass where the intermediate does not chain to the root', async (t) => {
  const [authority, foreign] = [await makeAuthority(t), await makeAuthority(t)]
  const der = signTemplate(template(authority), authority)
  assert.deepEqual(brokenRules(der, expected, { ...authority, root: foreign.root }), ['chain'])
})

test('a certificate does not pass for an identity of another trust domain', async (t) => {
  const authority = await makeAuthority(t)
  const spiffeId = 'spiffe://other.example/svc/web'
  const fields = template(authority)
  const extensions = replace(fields, OID.subjectAltName, subjectAltUris([spiffeId], true))
  const der = signTemplate({ ...fields, extensions }, authority)
  assert.deepEqual(brokenRules(der, { ...expected, spiffeId }, authority), ['trust-domain'])
})

test('a certificate with a part of it changed does not pass', async (t) => {
  const authority = await makeAuthority(t)
  const der = signTemplate(template(authority), authority)
  assert.deepEqual(brokenRules(der.subarray(1), expected, authority), ['encoding'])
  const versions = edit(der, (fields) => [
    { tag: 0xa0, children: [{ tag: 2, bytes: Buffer.of(1) }] },
    ...fields.slice(1),
  ])
  assert.ok(brokenRules(versions, expected, authority).some((rule) => rule === 'version' || rule === 'encoding'))
  const sha384 = sequence(oid(OID.ecdsaWithSha384))
  const algorithm = edit(der, (fields) => fields.map((field, index) => (index === 2 ? sha384 : field)))
  const broken = brokenRules(algorithm, expected, authority)
  assert.ok(broken.includes('algorithm') && broken.includes('signature'), broken.join())
})

/** Changes the signed fields of a certificate and leaves its signature as it was. */
function edit(der: Buffer, change: (fields: readonly Element[]) => readonly Element[]): Buffer {
  const [signed, ...rest] = (decodeDer(der) as { children: readonly Element[] }).children
  const fields = (signed as { children: readonly Element[] }).children
  return encodeDer(sequence({ tag: 0x30, children: change(fields) }, ...rest))
}

test('two minutes of the signer are all that a leaf may look back', async (t: TestContext) => {
  const authority = await makeAuthority(t)
  const fields = {
    ...template(authority),
    notBefore: authority.intermediate.certificate.notBefore - 1_000,
    notAfter: NOW + 1_000,
  }
  assert.deepEqual(brokenRules(signTemplate(fields, authority), expected, authority), ['within-signer'])
})
