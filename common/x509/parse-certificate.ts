import { decodeDer, type Element, encodeDer, TAG } from './asn1.js'
import {
  childrenOf,
  readBitString,
  readExplicit,
  readInteger,
  readOid,
  readSmallInteger,
  readTime,
  readTuple,
} from './asn1-read.js'
import { type ExtensionValues, parseExtensionValues } from './extension-values.js'
import { type Extension, parseExtensions } from './extensions.js'

/** What stands in a certificate of the mesh, read from its DER. Nothing of it is verified. */
export interface Certificate {
  /** As people count: 3 is what stands there as 2. */
  readonly version: number
  /** Content octets of the serial number. */
  readonly serial: Buffer
  /** Object identifiers, inside and outside of what is signed; anything but the same twice is wrong. */
  readonly signatureAlgorithms: readonly [string, string]
  /** DER of the names. */
  readonly issuer: Buffer
  readonly subject: Buffer
  readonly spkiDer: Buffer
  /** Wall-clock milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: readonly Extension[]
  readonly values: ExtensionValues
}

/**
 * Reads a certificate strictly: version 3 with extensions, canonical DER, nothing optional that the profile does not
 * have.
 *
 * @throws DerError
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const [signed, algorithm, signature] = readTuple(decodeDer(der), 3)
  readBitString(signature)
  const [version, serial, innerAlgorithm, issuer, validity, subject, spki, extensions] = readTuple(signed, 8)
  const [notBefore, notAfter] = readTuple(validity, 2)
  const parsed = parseExtensions(readExplicit(extensions, 3))
  return {
    version: readSmallInteger(readExplicit(version, 0)) + 1,
    serial: readInteger(serial),
    signatureAlgorithms: [readAlgorithm(innerAlgorithm), readAlgorithm(algorithm)],
    issuer: derOf(issuer),
    subject: derOf(subject),
    spkiDer: derOf(spki),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    extensions: parsed,
    values: parseExtensionValues(parsed),
  }
}

function readAlgorithm(element: Element | undefined): string {
  const [algorithm] = readTuple(element, 1)
  return readOid(algorithm)
}

function derOf(element: Element | undefined): Buffer {
  const children = childrenOf(element, TAG.sequence)
  return encodeDer({ tag: TAG.sequence, children })
}
