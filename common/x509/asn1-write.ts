import asn1 from 'node-forge/lib/asn1.js'
import { type Element, TAG } from './asn1.js'

/** A SEQUENCE; absent children are left out, as optional fields are. */
export function sequence(...children: readonly (Element | undefined)[]): Element {
  return { tag: TAG.sequence, children: children.filter((child) => child !== undefined) }
}

/** A SET of one element: DER's order of several is not needed anywhere in the profile. */
export function setOf(child: Element): Element {
  return { tag: TAG.set, children: [child] }
}

/** An element behind an explicit context tag, such as `[0] EXPLICIT`. */
export function explicit(number: number, ...children: readonly Element[]): Element {
  return { tag: 0xa0 | number, children }
}

/** Bytes under an implicit context tag, such as `[6] IMPLICIT IA5String`. */
export function implicit(number: number, bytes: Buffer): Element {
  return { tag: 0x80 | number, bytes }
}

/** A non-negative INTEGER from its big-endian magnitude, in the shortest form. */
export function integer(magnitude: Uint8Array): Element {
  const first = magnitude.findIndex((byte) => byte !== 0)
  const shortest = first === -1 ? Buffer.alloc(1) : Buffer.from(magnitude.subarray(first))
  const negative = ((shortest[0] ?? 0) & 0x80) !== 0
  return { tag: TAG.integer, bytes: negative ? Buffer.concat([Buffer.alloc(1), shortest]) : shortest }
}

/** The BOOLEAN true; false is the default wherever we write one, and DER leaves defaults out. */
export const TRUE: Element = { tag: TAG.boolean, bytes: Buffer.of(0xff) }

const oids = new Map<string, Element>()

/** How many are remembered: those of the profile are some twenty, and strangers send others. */
const MAX_OIDS = 100

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Element {
  const known = oids.get(dotted)
  if (known !== undefined) return known
  const element = { tag: TAG.oid, bytes: Buffer.from(asn1.oidToDer(dotted).getBytes(), 'latin1') }
  if (oids.size < MAX_OIDS) oids.set(dotted, element)
  return element
}

/** An OCTET STRING. */
export function octetString(bytes: Buffer): Element {
  return { tag: TAG.octetString, bytes }
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Buffer): Element {
  return { tag: TAG.bitString, bytes: Buffer.concat([Buffer.alloc(1), bytes]) }
}

/** A BIT STRING of named bits (bit 0 is the leftmost), without trailing zeros, as DER wants it. */
export function namedBits(bits: readonly number[]): Element {
  const highest = Math.max(-1, ...bits)
  const content = Buffer.alloc(1 + Math.ceil((highest + 1) / 8))
  content[0] = (content.length - 1) * 8 - (highest + 1)
  for (const bit of bits) content[1 + (bit >> 3)] = (content[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7))
  return { tag: TAG.bitString, bytes: content }
}

/** A UTF8String. */
export function utf8String(text: string): Element {
  return { tag: TAG.utf8String, bytes: Buffer.from(text, 'utf8') }
}

/**
 * A time in whole seconds (rounded down) from wall-clock milliseconds: UTCTime until 2049, GeneralizedTime after.
 *
 * @throws RangeError outside the years 1950 to 9999
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5
 */
export function time(ms: number): Element {
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999)) throw new RangeError(`a certificate cannot tell the time ${ms}`)
  const text = date.toISOString()
  const digits = `${[0, 5, 8, 11, 14, 17].map((at) => text.slice(at, at === 0 ? 4 : at + 2)).join('')}Z`
  const generalized = year >= 2050
  return {
    tag: generalized ? TAG.generalizedTime : TAG.utcTime,
    bytes: Buffer.from(generalized ? digits : digits.slice(2), 'latin1'),
  }
}
