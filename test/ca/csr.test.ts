import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { decodeDer, type Element, encodeDer } from '../../common/x509/asn1.js'
import {
  bitString,
  explicit,
  implicit,
  integer,
  oid,
  sequence,
  setOf,
  utf8String,
} from '../../common/x509/asn1-write.js'
import { buildCsr, CsrError, type CsrReason, parseCsr } from '../../common/x509/csr.js'
import { basicConstraints, buildExtensions, keyUsage, subjectAltUris } from '../../common/x509/extensions.js'
import { exportPrivateKey, generateKeyPair, keyHash, spkiOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { decodePem, encodePem } from '../../common/x509/pem.js'
import { csrPem, oddCsr, openssl } from './fixtures.js'

const keys = generateKeyPair()
const key = keys.privateKey
const good = buildCsr(keys)
const goodDer = decodePem('CERTIFICATE REQUEST', good)[0] ?? Buffer.alloc(0)

test('a CSR that was built is read back with its key and asks for nothing', () => {
  const csr = parseCsr(good)
  assert.deepEqual(csr.spkiDer, spkiOf(keys.publicKey))
  assert.ok(csr.publicKey.equals(keys.publicKey))
  assert.deepEqual(csr.requestedNames, [])
  assert.equal(csr.requestedCa, false)
  assert.match(keyHash(csr.spkiDer), /^[0-9a-f]{64}$/)
})

test('openssl accepts a CSR that was built', async (t) => {
  const text = await openssl(t, { 'csr.pem': good }, ['req', '-in', 'csr.pem', '-verify', '-noout', '-text'])
  assert.match(text, /Subject: *\n/)
  assert.match(text, /NIST CURVE: P-256/)
})

test("openssl's own CSR is read, with what it asks for", async (t) => {
  const files = { 'key.pem': exportPrivateKey(key) }
  const subject = ['-subj', '/CN=web-1']
  const names = [
    '-addext',
    'subjectAltName=URI:spiffe://mesh.example/svc/web,DNS:web.example,IP:10.0.0.1,email:a@b.example',
  ]
  const csr = parseCsr(await openssl(t, files, ['req', '-new', '-key', 'key.pem', ...subject, ...names]))
  assert.deepEqual(csr.requestedNames, [
    { kind: 'uri', value: 'spiffe://mesh.example/svc/web' },
    { kind: 'dns', value: 'web.example' },
    { kind: 'other', value: '87040a000001' },
    { kind: 'email', value: 'a@b.example' },
  ])
  assert.equal(csr.requestedCa, false)
})

test('P-384 keys and SHA-384 are accepted', () => {
  const larger = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
  assert.deepEqual(parseCsr(buildCsr(larger)).spkiDer, spkiOf(larger.publicKey))
  const sha384 = oddCsr(larger.privateKey, { hash: 'sha384', algorithm: sequence(oid(OID.ecdsaWithSha384)) })
  assert.deepEqual(parseCsr(csrPem(sha384)).spkiDer, spkiOf(larger.publicKey))
})

test('a CSR that asks to be a CA, or to sign, says so', () => {
  for (const extension of [
    basicConstraints({ ca: true }),
    keyUsage('keyCertSign'),
    keyUsage('digitalSignature', 'cRLSign'),
  ]) {
    assert.equal(parseCsr(buildCsr(keys, [extension])).requestedCa, true)
  }
  assert.equal(
    parseCsr(buildCsr(keys, [basicConstraints({ ca: false }), keyUsage('digitalSignature')])).requestedCa,
    false,
  )
})

test('names in a CSR are told one by one, however they are written', () => {
  const uris = ['spiffe://mesh.example/svc/web, URI:spiffe://mesh.example/svc/db', 'spiffe://mesh.example/svc/\0']
  const { requestedNames } = parseCsr(buildCsr(keys, [subjectAltUris(uris, false)]))
  assert.deepEqual(
    requestedNames,
    uris.map((value) => ({ kind: 'uri', value })),
  )
})

test('a name of a form that no name has is told as something else, so that policy refuses it', () => {
  const value = encodeDer(sequence({ tag: 0xa6, children: [implicit(6, Buffer.from('A'))] }))
  const { requestedNames } = parseCsr(buildCsr(keys, [{ oid: OID.subjectAltName, critical: false, value }]))
  assert.deepEqual(requestedNames, [{ kind: 'other', value: 'a603860141' }])
})

const other = generateKeyPair()
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const ed25519 = generateKeyPairSync('ed25519')
const explicitCurve = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' })
const point = spkiOf(keys.publicKey).subarray(-65)
const p256 = sequence(oid(OID.ecPublicKey), oid(OID.p256))
const compressed = Buffer.concat([Buffer.of(2 + ((point[64] ?? 0) & 1)), point.subarray(1, 33)])
const hybrid = Buffer.concat([Buffer.of(6 + ((point[64] ?? 0) & 1)), point.subarray(1)])
const ecdh = sequence(oid('1.3.132.1.12'), oid(OID.p256))
const offCurve = Buffer.concat([point.subarray(0, 64), Buffer.of((point[64] ?? 0) ^ 1)])
const request = (...values: Element[]) => sequence(oid(OID.extensionRequest), ...values)
const ask = (...extensions: Element[]) => explicit(0, request(setOf(sequence(...extensions))))
const ca = basicConstraints({ ca: true })
const constraints = (value: Element) => ask(sequence(oid(OID.basicConstraints), { tag: 0x04, bytes: encodeDer(value) }))
const lines = good.trimEnd().split('\n')

const REFUSED: readonly (readonly [name: string, csr: string, reason: CsrReason])[] = [
  ['is empty', '', 'not-one-pem-block'],
  ['is larger than 8 KiB', `${good}${' '.repeat(8192)}`, 'too-large'],
  ['is larger than 8 KiB in bytes though not in characters', `${good}${'é'.repeat(4000)}`, 'too-large'],
  ['is two PEM blocks', good + good, 'not-one-pem-block'],
  ['is a certificate by its label', encodePem('CERTIFICATE', goodDer), 'not-one-pem-block'],
  [
    'has the label of another age',
    good.replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'),
    'not-one-pem-block',
  ],
  ['has text before the block', `hello\n${good}`, 'not-one-pem-block'],
  ['has text after the block', `${good}hello\n`, 'not-one-pem-block'],
  [
    'has headers in the block',
    [lines[0], 'Proc-Type: 4,ENCRYPTED', '', ...lines.slice(1)].join('\n'),
    'not-one-pem-block',
  ],
  ['ends before its block does', lines.slice(0, -1).join('\n'), 'not-one-pem-block'],
  ['is not base64', good.replace(/\nM/, '\n*'), 'not-one-pem-block'],
  ['is an empty block', `${lines[0]}\n${lines.at(-1)}\n`, 'not-one-pem-block'],
  ['has stray bits at the end of its base64', `${lines[0]}\nMAB=\n${lines.at(-1)}\n`, 'not-one-pem-block'],
  ['is no DER', csrPem(Buffer.from('hello')), 'not-canonical-der'],
  ['has a byte after its DER', csrPem(Buffer.concat([goodDer, Buffer.of(0)])), 'not-canonical-der'],
  ['has a length in long form', csrPem(longForm(goodDer)), 'not-canonical-der'],
  ['has an outer length without end, as BER has', csrPem(indefinite(goodDer)), 'not-canonical-der'],
  [
    'has a length of four bytes that is not there',
    csrPem(Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)),
    'not-canonical-der',
  ],
  [
    'has a length of 127 bytes',
    csrPem(Buffer.concat([Buffer.of(0x30, 0xff), Buffer.alloc(200, 0xff)])),
    'not-canonical-der',
  ],
  ['has a tag number of several bytes', csrPem(Buffer.of(0x3f, 0x81, 0x01, 0)), 'not-canonical-der'],
  ['is nested 1,400 deep', csrPem(nested(1_400)), 'not-canonical-der'],
  ['is nested as deep as fits, with lengths in the short form', csrPem(nested(62)), 'not-canonical-der'],
  [
    'is a list of 2,500 empty elements',
    csrPem(encodeDer(sequence(...Array(2_500).fill(sequence())))),
    'wrong-structure',
  ],
  [
    'has an object identifier of 5,000 bytes',
    csrPem(oddCsr(key, { algorithm: sequence({ tag: 6, bytes: Buffer.alloc(5_000, 0x81) }) })),
    'wrong-structure',
  ],
  [
    'has a version of 4,000 bytes',
    csrPem(oddCsr(key, { version: integer(Buffer.alloc(4_000, 0x7f)) })),
    'wrong-structure',
  ],
  ['is some other DER', csrPem(encodeDer(sequence())), 'wrong-structure'],
  ['is of another version', csrPem(oddCsr(key, { version: integer(Uint8Array.of(1)) })), 'wrong-structure'],
  ['has a subject that is no name', csrPem(oddCsr(key, { subject: utf8String('web') })), 'wrong-structure'],
  ['lacks its attributes', csrPem(oddCsr(key, { attributes: sequence() })), 'wrong-structure'],
  [
    'has an attribute that is not a request of extensions',
    csrPem(oddCsr(key, { attributes: explicit(0, sequence(oid('1.2.840.113549.1.9.7'), setOf(utf8String('x')))) })),
    'wrong-structure',
  ],
  [
    'requests extensions twice',
    csrPem(oddCsr(key, { attributes: explicit(0, ...Array(2).fill(request(setOf(buildExtensions([ca]))))) })),
    'wrong-structure',
  ],
  [
    'requests two lists of extensions in one attribute',
    csrPem(
      oddCsr(key, { attributes: explicit(0, request({ tag: 0x31, children: Array(2).fill(buildExtensions([ca])) })) }),
    ),
    'wrong-structure',
  ],
  ['requests no extensions', csrPem(oddCsr(key, { attributes: ask() })), 'wrong-structure'],
  ['requests one extension twice', buildCsr(keys, [ca, ca]), 'wrong-structure'],
  [
    'spells out that an extension is not critical',
    csrPem(
      oddCsr(key, {
        attributes: ask(
          sequence(oid(OID.keyUsage), { tag: 1, bytes: Buffer.of(0) }, { tag: 4, bytes: Buffer.of(5, 0) }),
        ),
      }),
    ),
    'wrong-structure',
  ],
  [
    'spells out that it is to be no CA',
    csrPem(oddCsr(key, { attributes: constraints(sequence({ tag: 1, bytes: Buffer.of(0) })) })),
    'wrong-structure',
  ],
  [
    'asks to be a CA by a boolean that is not 255',
    csrPem(oddCsr(key, { attributes: constraints(sequence({ tag: 1, bytes: Buffer.of(1) })) })),
    'wrong-structure',
  ],
  [
    'asks for no names in a list',
    buildCsr(keys, [{ oid: OID.subjectAltName, critical: false, value: encodeDer(sequence()) }]),
    'wrong-structure',
  ],
  [
    'asks for names in bytes that are no DER',
    buildCsr(keys, [{ oid: OID.subjectAltName, critical: false, value: Buffer.of(0x30, 0x80, 0, 0) }]),
    'wrong-structure',
  ],
  [
    'is signed with SHA-1',
    csrPem(oddCsr(key, { hash: 'sha1', algorithm: sequence(oid('1.2.840.10045.4.1')) })),
    'algorithm-not-allowed',
  ],
  [
    'has parameters with its algorithm',
    csrPem(oddCsr(key, { algorithm: sequence(oid(OID.ecdsaWithSha256), { tag: 5, bytes: Buffer.alloc(0) }) })),
    'algorithm-not-allowed',
  ],
  [
    'has an RSA signature',
    csrPem(oddCsr(rsa.privateKey, { algorithm: sequence(oid('1.2.840.113549.1.1.11')) })),
    'algorithm-not-allowed',
  ],
  ['has an RSA key', csrPem(oddCsr(key, { spki: decodeDer(spkiOf(rsa.publicKey)) })), 'key-not-allowed'],
  ['has an Ed25519 key', csrPem(oddCsr(key, { spki: decodeDer(spkiOf(ed25519.publicKey)) })), 'key-not-allowed'],
  ['has a key on another curve', csrPem(oddCsr(k256.privateKey)), 'key-not-allowed'],
  ['has a curve spelt out by its parameters', csrPem(oddCsr(explicitCurve.privateKey)), 'key-not-allowed'],
  ['has a compressed point', csrPem(oddCsr(key, { spki: sequence(p256, bitString(compressed)) })), 'key-not-allowed'],
  ['has a point in hybrid form', csrPem(oddCsr(key, { spki: sequence(p256, bitString(hybrid)) })), 'key-not-allowed'],
  ['has a key for key agreement', csrPem(oddCsr(key, { spki: sequence(ecdh, bitString(point)) })), 'key-not-allowed'],
  [
    'has a point that is not on its curve',
    csrPem(oddCsr(key, { spki: sequence(p256, bitString(offCurve)) })),
    'key-not-allowed',
  ],
  [
    'has the point at infinity',
    csrPem(oddCsr(key, { spki: sequence(p256, bitString(Buffer.of(0))) })),
    'key-not-allowed',
  ],
  ['has the key of somebody else', csrPem(oddCsr(key, { spki: decodeDer(spkiOf(other.publicKey)) })), 'bad-signature'],
  ['was changed after it was signed', csrPem(oddCsr(key, { tamper: withSubject })), 'bad-signature'],
]

for (const [name, csr, reason] of REFUSED) {
  test(`a CSR that ${name} is refused`, () => {
    assert.throws(
      () => parseCsr(csr),
      (error) => error instanceof CsrError && assert.equal(error.reason, reason, error.message) === undefined,
    )
  })
}

function withSubject(toBeSigned: Element): Element {
  const children = 'children' in toBeSigned ? [...toBeSigned.children] : []
  children[1] = sequence(setOf(sequence(oid(OID.commonName), utf8String('web'))))
  return { tag: 0x30, children }
}

/** The same CSR with its outer length in one byte more than it needs. */
function longForm(der: Buffer): Buffer {
  const header = 1 + 1 + ((der[1] ?? 0) & 0x7f)
  const body = der.subarray(header)
  return Buffer.concat([Buffer.of(0x30, 0x83, 0, body.length >> 8, body.length & 0xff), body])
}

/** The same CSR with an outer length that is told by its end. */
function indefinite(der: Buffer): Buffer {
  const header = 1 + 1 + ((der[1] ?? 0) & 0x7f)
  return Buffer.concat([Buffer.of(0x30, 0x80), der.subarray(header), Buffer.alloc(2)])
}

/** A sequence in a sequence in a sequence. */
function nested(depth: number): Buffer {
  let der = Buffer.alloc(0)
  for (let level = 0; level < depth; level++) {
    const length = der.length < 128 ? Buffer.of(der.length) : Buffer.of(0x82, der.length >> 8, der.length & 0xff)
    der = Buffer.concat([Buffer.of(0x30), length, der])
  }
  return der
}
