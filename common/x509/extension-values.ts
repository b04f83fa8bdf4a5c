import { DerError, decodeDer, type Element, encodeDer, TAG } from './asn1.js'
import { bytesOf, childrenOf, readNamedBits, readOid, readSmallInteger, readTrue } from './asn1-read.js'
import { type Extension, KEY_USAGES, type KeyUsage } from './extensions.js'
import { OID } from './oids.js'

/** What a certificate or a CSR says beside its key; undefined, or an empty list, where it says nothing. */
export interface ExtensionValues {
  readonly basicConstraints: BasicConstraints | undefined
  readonly keyUsage: readonly KeyUsage[]
  /** Object identifiers. */
  readonly extKeyUsage: readonly string[]
  readonly alternativeNames: readonly AlternativeName[]
  readonly subjectKeyIdentifier: Buffer | undefined
  readonly authorityKeyIdentifier: Buffer | undefined
}

/** Whether it is a CA, and how many CAs may follow below it (undefined: any number). */
export interface BasicConstraints {
  readonly ca: boolean
  readonly pathLength: number | undefined
}

/** One name of a subjectAltName; `value` is the raw text of URIs, DNS names and mails, hex of anything else. */
export interface AlternativeName {
  readonly kind: 'uri' | 'dns' | 'email' | 'other'
  readonly value: string
}

/** Reads the extensions that the profile knows; others are left alone. @throws DerError where one is malformed */
export function parseExtensionValues(extensions: readonly Extension[]): ExtensionValues {
  const value = (oid: string): Element | undefined => {
    const found = extensions.find((extension) => extension.oid === oid)
    return found === undefined ? undefined : decodeDer(found.value)
  }
  return {
    basicConstraints: optional(value(OID.basicConstraints), readBasicConstraints),
    keyUsage: optional(value(OID.keyUsage), readKeyUsage) ?? [],
    extKeyUsage: optional(value(OID.extKeyUsage), readOids) ?? [],
    alternativeNames: optional(value(OID.subjectAltName), readAlternativeNames) ?? [],
    subjectKeyIdentifier: optional(value(OID.subjectKeyIdentifier), (element) => bytesOf(element, TAG.octetString)),
    authorityKeyIdentifier: optional(value(OID.authorityKeyIdentifier), readAuthorityKeyIdentifier),
  }
}

function optional<T>(element: Element | undefined, read: (element: Element) => T): T | undefined {
  return element === undefined ? undefined : read(element)
}

function readBasicConstraints(element: Element): BasicConstraints {
  const [ca, pathLength, ...more] = childrenOf(element, TAG.sequence)
  if (more.length > 0) throw new DerError('malformed basicConstraints')
  return { ca: ca !== undefined && readTrue(ca), pathLength: optional(pathLength, readSmallInteger) }
}

function readKeyUsage(element: Element): readonly KeyUsage[] {
  return readNamedBits(element).map((bit) => {
    const usage = KEY_USAGES[bit]
    if (usage === undefined) throw new DerError(`unknown key usage ${bit}`)
    return usage
  })
}

function readOids(element: Element): readonly string[] {
  return childrenOf(element, TAG.sequence).map(readOid)
}

function readAlternativeNames(element: Element): readonly AlternativeName[] {
  const names = childrenOf(element, TAG.sequence).map(readAlternativeName)
  if (names.length === 0) throw new DerError('an empty subjectAltName')
  return names
}

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6 */
function readAlternativeName(name: Element): AlternativeName {
  const kind = ({ 129: 'email', 130: 'dns', 134: 'uri' } as const)[name.tag]
  if (kind === undefined) return { kind: 'other', value: encodeDer(name).toString('hex') }
  return { kind, value: bytesOf(name, name.tag).toString('latin1') }
}

function readAuthorityKeyIdentifier(element: Element): Buffer {
  const [identifier, ...more] = childrenOf(element, TAG.sequence)
  if (more.length > 0) throw new DerError('an authorityKeyIdentifier with more than the key')
  return bytesOf(identifier, 0x80)
}
