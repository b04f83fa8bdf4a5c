import { createHash } from 'node:crypto'
import { DerError, decodeDer, type Element, encodeDer, TAG } from './asn1.js'
import { bytesOf, childrenOf, readBitString, readOid, readTrue, readTuple } from './asn1-read.js'
import { explicit, implicit, integer, namedBits, octetString, oid, sequence, TRUE } from './asn1-write.js'
import { OID } from './oids.js'

/** One X.509 extension: who does not understand a critical one must refuse the certificate. */
export interface Extension {
  readonly oid: string
  readonly critical: boolean
  /** DER of the extension's own type. */
  readonly value: Buffer
}

/** The bits of keyUsage, in their order. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

/** What a key may be used for. */
export type KeyUsage = (typeof KEY_USAGES)[number]

/** A list of extensions as it stands in certificates and CSRs. */
export function buildExtensions(extensions: readonly Extension[]): Element {
  return sequence(
    ...extensions.map(({ oid: id, critical, value }) =>
      sequence(oid(id), critical ? TRUE : undefined, octetString(value)),
    ),
  )
}

/** The inverse of {@link buildExtensions}. @throws DerError, also for an empty list and for one extension twice */
export function parseExtensions(element: Element | undefined): readonly Extension[] {
  const extensions = childrenOf(element, TAG.sequence).map(parseExtension)
  if (extensions.length === 0) throw new DerError('an empty list of extensions')
  if (new Set(extensions.map(({ oid }) => oid)).size < extensions.length) throw new DerError('one extension twice')
  return extensions
}

function parseExtension(element: Element): Extension {
  const children = childrenOf(element, TAG.sequence)
  const [id, critical, value] = children.length === 2 ? [children[0], undefined, children[1]] : readTuple(element, 3)
  return {
    oid: readOid(id),
    critical: critical !== undefined && readTrue(critical),
    value: bytesOf(value, TAG.octetString),
  }
}

/** Critical basicConstraints. @param pathLength how many CAs may follow below; absent: any number */
export function basicConstraints(limits: { readonly ca: boolean; readonly pathLength?: number }): Extension {
  const pathLength = limits.pathLength === undefined ? undefined : integer(Uint8Array.of(limits.pathLength))
  return extension(OID.basicConstraints, true, limits.ca ? sequence(TRUE, pathLength) : sequence())
}

/** Critical keyUsage. */
export function keyUsage(...usages: readonly KeyUsage[]): Extension {
  return extension(OID.keyUsage, true, namedBits(usages.map((usage) => KEY_USAGES.indexOf(usage))))
}

/** extKeyUsage for both ends of a connection: everybody in a mesh is client and server. */
export function serverAndClientAuth(): Extension {
  return extension(OID.extKeyUsage, false, sequence(oid(OID.serverAuth), oid(OID.clientAuth)))
}

/** A subjectAltName of URIs. @param critical must be true where the subject is empty */
export function subjectAltUris(uris: readonly string[], critical: boolean): Extension {
  return extension(
    OID.subjectAltName,
    critical,
    sequence(...uris.map((uri) => implicit(6, Buffer.from(uri, 'latin1')))),
  )
}

/** subjectKeyIdentifier of a key, see {@link keyIdentifier}. */
export function subjectKeyIdentifier(spkiDer: Uint8Array): Extension {
  return extension(OID.subjectKeyIdentifier, false, octetString(keyIdentifier(spkiDer)))
}

/** authorityKeyIdentifier. @param identifier the signer's subjectKeyIdentifier */
export function authorityKeyIdentifier(identifier: Buffer): Extension {
  return extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, identifier)))
}

/**
 * The name of a key in certificates: the first 160 bits of the SHA-256 of its bits.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7093#section-2
 */
export function keyIdentifier(spkiDer: Uint8Array): Buffer {
  const [, key] = readTuple(decodeDer(spkiDer), 2)
  return createHash('sha256').update(readBitString(key)).digest().subarray(0, 20)
}

/** The extension of a CSR or certificate behind its explicit context tag. */
export function extensionsField(number: number, extensions: readonly Extension[]): Element {
  return explicit(number, buildExtensions(extensions))
}

function extension(id: string, critical: boolean, value: Element): Extension {
  return { oid: id, critical, value: encodeDer(value) }
}
