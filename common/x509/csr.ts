import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { DerError, decodeDer, type Element, encodeDer, TAG } from './asn1.js'
import { childrenOf, readBitString, readOid, readSmallInteger, readTuple } from './asn1-read.js'
import { bitString, explicit, integer, oid, sequence, setOf } from './asn1-write.js'
import { type AlternativeName, type ExtensionValues, parseExtensionValues } from './extension-values.js'
import { buildExtensions, type Extension, parseExtensions } from './extensions.js'
import { type KeyPair, spkiOf } from './keys.js'
import { OID } from './oids.js'
import { decodePem, encodePem, PemError } from './pem.js'

/** Why a CSR is not even looked at by policy. */
export type CsrReason =
  | 'too-large'
  | 'not-one-pem-block'
  | 'not-canonical-der'
  | 'wrong-structure'
  | 'algorithm-not-allowed'
  | 'key-not-allowed'
  | 'bad-signature'

/** A CSR that cannot be accepted whatever it is for. */
export class CsrError extends Error {
  override readonly name = 'CsrError'
  readonly reason: CsrReason

  constructor(reason: CsrReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** A CSR of which the requester has proven to hold the key. What it asks for is told so that it can be refused. */
export interface Csr {
  readonly publicKey: KeyObject
  readonly spkiDer: Buffer
  readonly requestedNames: readonly AlternativeName[]
  /** Whether it asks to be a CA, or to sign certificates or revocations. */
  readonly requestedCa: boolean
}

const MAX_BYTES = 8 * 1024

const HASH_OF_ALGORITHM: ReadonlyMap<string, string> = new Map([
  [OID.ecdsaWithSha256, 'sha256'],
  [OID.ecdsaWithSha384, 'sha384'],
])

/** How JSON Web Keys call the curves that are allowed, and how many bytes each of the two coordinates has. */
const CURVES: ReadonlyMap<string, { readonly name: string; readonly bytes: number }> = new Map([
  [OID.p256, { name: 'P-256', bytes: 32 }],
  [OID.p384, { name: 'P-384', bytes: 48 }],
])

/**
 * Makes a CSR in PEM that says nothing but its key: the names in a certificate come from the control plane's rules.
 *
 * @param requested extensions to ask for; our own control plane grants none and refuses most
 */
export function buildCsr({ publicKey, privateKey }: KeyPair, requested: readonly Extension[] = []): string {
  const attribute = sequence(oid(OID.extensionRequest), setOf(buildExtensions(requested)))
  const toBeSigned = sequence(
    integer(Uint8Array.of(0)),
    sequence(),
    decodeDer(spkiOf(publicKey)),
    requested.length === 0 ? explicit(0) : explicit(0, attribute),
  )
  const signature = sign('sha256', encodeDer(toBeSigned), privateKey)
  return encodePem(
    'CERTIFICATE REQUEST',
    encodeDer(sequence(toBeSigned, sequence(oid(OID.ecdsaWithSha256)), bitString(signature))),
  )
}

/**
 * Reads a CSR of somebody who is not trusted: at most 8 KiB, one PEM block, canonical DER, an ECDSA key on P-256 or
 * P-384, and a signature by that key, in this order, so that nothing is verified with a key that was not checked.
 *
 * @throws CsrError
 */
export function parseCsr(pem: string): Csr {
  if (Buffer.byteLength(pem) > MAX_BYTES) throw new CsrError('too-large', `the CSR is larger than ${MAX_BYTES} bytes`)
  const element = decode(decodeBlock(pem))
  const { signed, hash, signature, spki, values } = parseStructure(element)
  const publicKey = parsePublicKey(spki)
  if (!verify(hash, encodeDer(signed), publicKey, signature)) {
    throw new CsrError('bad-signature', 'the CSR is not signed by its own key')
  }
  return {
    publicKey,
    spkiDer: encodeDer(spki),
    requestedNames: values.alternativeNames,
    requestedCa:
      values.basicConstraints?.ca === true ||
      values.keyUsage.some((usage) => usage === 'keyCertSign' || usage === 'cRLSign'),
  }
}

function decodeBlock(pem: string): Buffer {
  try {
    const [der, ...more] = decodePem('CERTIFICATE REQUEST', pem)
    if (der !== undefined && more.length === 0) return der
  } catch (cause) {
    if (!(cause instanceof PemError)) throw cause
    throw new CsrError('not-one-pem-block', 'the CSR is not one PEM block', cause)
  }
  throw new CsrError('not-one-pem-block', 'the CSR is more than one PEM block')
}

function decode(der: Buffer): Element {
  return structural('not-canonical-der', () => decodeDer(der))
}

interface Structure {
  readonly signed: Element
  readonly hash: string
  readonly signature: Buffer
  readonly spki: Element
  readonly values: ExtensionValues
}

function parseStructure(csr: Element): Structure {
  return structural('wrong-structure', () => {
    const [signed, algorithm, signature] = readTuple(csr, 3)
    const [version, subject, spki, attributes] = readTuple(signed, 4)
    if (readSmallInteger(version) !== 0) throw new DerError('the version is not 1')
    childrenOf(subject, TAG.sequence)
    if (signed === undefined || spki === undefined) throw new DerError('incomplete')
    return {
      signed,
      hash: readHash(algorithm),
      signature: readBitString(signature),
      spki,
      values: parseExtensionValues(readRequestedExtensions(attributes)),
    }
  })
}

function readHash(algorithm: Element | undefined): string {
  const children = childrenOf(algorithm, TAG.sequence)
  const hash = children.length === 1 ? HASH_OF_ALGORITHM.get(readOid(children[0])) : undefined
  if (hash === undefined) {
    throw new CsrError('algorithm-not-allowed', 'the CSR is not signed with ECDSA and SHA-256 or SHA-384')
  }
  return hash
}

function readRequestedExtensions(attributes: Element | undefined): readonly Extension[] {
  const [attribute, ...more] = childrenOf(attributes, 0xa0)
  if (attribute === undefined) return []
  const [type, values] = readTuple(attribute, 2)
  if (more.length > 0 || readOid(type) !== OID.extensionRequest) {
    throw new DerError('an attribute other than one request of extensions')
  }
  const [extensions, ...others] = childrenOf(values, TAG.set)
  if (others.length > 0) throw new DerError('several requests of extensions')
  return parseExtensions(extensions)
}

/**
 * The form of the key is judged by us before OpenSSL sees it: named curve, uncompressed point, nothing else. It
 * gets nothing but the numbers, which is also less work for it than to read the DER again.
 */
function parsePublicKey(spki: Element): KeyObject {
  const key = structural('key-not-allowed', () => {
    const [algorithm, bits] = readTuple(spki, 2)
    const [type, name] = readTuple(algorithm, 2)
    const point = readBitString(bits)
    const curve = CURVES.get(readOid(name))
    const allowed = readOid(type) === OID.ecPublicKey && curve !== undefined && point.length === 1 + 2 * curve.bytes
    if (!allowed || point[0] !== 4) throw new DerError('not an uncompressed point on P-256 or P-384')
    const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)]
    return { kty: 'EC', crv: curve.name, x: x.toString('base64url'), y: y.toString('base64url') }
  })
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch (cause) {
    throw new CsrError('key-not-allowed', 'the key of the CSR is not a point on its curve', cause)
  }
}

function structural<T>(reason: CsrReason, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause
    throw new CsrError(reason, `the CSR cannot be accepted: ${cause.message}`, cause)
  }
}
