import asn1 from 'node-forge/lib/asn1.js'
import { DerError, type Element, TAG } from './asn1.js'
import { namedBits, oid, time } from './asn1-write.js'

/** The children of a constructed element with this identifier octet. @throws DerError, as all functions here do */
export function childrenOf(element: Element | undefined, tag: number): readonly Element[] {
  if (element === undefined || element.tag !== tag || !('children' in element)) throw unexpected(tag, element)
  return element.children
}

/** The content of a primitive element with this identifier octet. */
export function bytesOf(element: Element | undefined, tag: number): Buffer {
  if (element === undefined || element.tag !== tag || !('bytes' in element)) throw unexpected(tag, element)
  return element.bytes
}

/** The children of a SEQUENCE, of which there must be as many as are named. */
export function readTuple(element: Element | undefined, length: number): readonly Element[] {
  const children = childrenOf(element, TAG.sequence)
  if (children.length !== length) throw new DerError(`${children.length} elements instead of ${length}`)
  return children
}

/** The one element behind an explicit context tag. */
export function readExplicit(element: Element | undefined, number: number): Element {
  const [child, ...more] = childrenOf(element, 0xa0 | number)
  if (child === undefined || more.length > 0) throw new DerError(`not one element behind the tag [${number}]`)
  return child
}

/** An OBJECT IDENTIFIER in dotted form; padded and cut ones are refused, since they would read like others. */
export function readOid(element: Element | undefined): string {
  const bytes = bytesOf(element, TAG.oid)
  try {
    const dotted = asn1.derToOid(bytes.toString('latin1'))
    if (bytesOf(oid(dotted), TAG.oid).equals(bytes)) return dotted
  } catch (cause) {
    throw new DerError('malformed object identifier', { cause })
  }
  throw new DerError('malformed object identifier')
}

/** The content octets of an INTEGER: two's complement, shortest form. */
export function readInteger(element: Element | undefined): Buffer {
  const bytes = bytesOf(element, TAG.integer)
  if (bytes.length === 0) throw new DerError('an integer without bytes')
  return bytes
}

/** An INTEGER from 0 to 127, such as a version or a path length. */
export function readSmallInteger(element: Element | undefined): number {
  const [value, ...more] = readInteger(element)
  if (value === undefined || more.length > 0 || value > 127) throw new DerError('a small integer was expected')
  return value
}

/** A BOOLEAN that is true: false is the default wherever the profile has one, and DER leaves defaults out. */
export function readTrue(element: Element | undefined): true {
  const bytes = bytesOf(element, TAG.boolean)
  if (bytes.length !== 1 || bytes[0] !== 0xff) throw new DerError('only true is written out in DER')
  return true
}

/** A BIT STRING of whole bytes. */
export function readBitString(element: Element | undefined): Buffer {
  const bytes = bytesOf(element, TAG.bitString)
  if (bytes[0] !== 0) throw new DerError('a bit string that does not end with a byte')
  return bytes.subarray(1)
}

/** The numbers of the bits that are set in a BIT STRING of named bits, in their order. */
export function readNamedBits(element: Element | undefined): readonly number[] {
  const bytes = bytesOf(element, TAG.bitString)
  const bits = [...bytes.subarray(1)].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (0x80 >> bit)) !== 0).map((bit) => index * 8 + bit),
  )
  if (!bytesOf(namedBits(bits), TAG.bitString).equals(bytes)) throw new DerError('named bits not in canonical form')
  return bits
}

/** A UTCTime or GeneralizedTime, in exactly the form that RFC 5280 wants, as wall-clock milliseconds. */
export function readTime(element: Element | undefined): number {
  const text = bytesOf(element, element?.tag === TAG.generalizedTime ? TAG.generalizedTime : TAG.utcTime).toString(
    'latin1',
  )
  const full = text.length === 13 ? `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}` : text
  const ms = Date.parse(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(ms)) throw new DerError(`${JSON.stringify(text)} is not a time of a certificate`)
  const canonical = time(ms)
  if (canonical.tag !== element?.tag || !bytesOf(canonical, canonical.tag).equals(Buffer.from(text, 'latin1'))) {
    throw new DerError(`${JSON.stringify(text)} is not written as certificates tell the time`)
  }
  return ms
}

function unexpected(tag: number, element: Element | undefined): DerError {
  const found = element === undefined ? 'nothing' : `0x${element.tag.toString(16)}`
  return new DerError(`${found} where the tag 0x${tag.toString(16)} was expected`)
}
