import asn1, { type ForgeElement } from 'node-forge/lib/asn1.js'

/** One ASN.1 element: its identifier octet (class, constructed bit, tag number) and what it holds. */
export type Element =
  | { readonly tag: number; readonly bytes: Buffer }
  | { readonly tag: number; readonly children: readonly Element[] }

/** Identifier octets of the types that certificates are made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

const CONSTRUCTED = 0x20
const CLASS = 0xc0
const NUMBER = 0x1f
const BMP_STRING = 0x1e
const STRICT = { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: 16 } as const

/** Bytes that are not the DER of what was expected; the message tells what is wrong. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/**
 * The DER of an element: identifier, length in its shortest form, content. Not by node-forge, which reads here: it makes
 * strings of everything, and what it reads is held against what is written.
 */
export function encodeDer(element: Element): Buffer {
  const parts: Uint8Array[] = []
  collect(element, parts)
  return Buffer.concat(parts)
}

/** Appends the DER of an element. @returns its length */
function collect(element: Element, parts: Uint8Array[]): number {
  const at = parts.push(NO_BYTES) - 1
  let length = 0
  if ('children' in element) {
    for (const child of element.children) length += collect(child, parts)
  } else {
    parts.push(element.bytes)
    length = element.bytes.length
  }
  const header = headerOf(element.tag, length)
  parts[at] = header
  return header.length + length
}

const NO_BYTES = new Uint8Array()

function headerOf(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length)
  const digits: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Uint8Array.of(tag, 0x80 | digits.length, ...digits)
}

/**
 * Reads exactly one element of canonical DER, at most 16 levels deep. Since only bytes that encode back to themselves
 * are let through, encoding any part of the result gives the very bytes that stood there (and were signed).
 *
 * @throws DerError
 */
export function decodeDer(der: Uint8Array): Element {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength)
  const element = fromForge(parse(bytes.toString('latin1')))
  if (!encodeDer(element).equals(bytes)) throw new DerError('not in canonical DER: encoding it again gives other bytes')
  return element
}

function parse(bytes: string): ForgeElement {
  try {
    return asn1.fromDer(bytes, { ...STRICT })
  } catch (cause) {
    throw new DerError('not DER', { cause })
  }
}

function fromForge({ tagClass, type, constructed, value }: ForgeElement): Element {
  const tag = tagClass | type | (constructed ? CONSTRUCTED : 0)
  refuseForeignTag(tag)
  if (typeof value !== 'string') return { tag, children: value.map(fromForge) }
  const bytes = Buffer.from(value, 'latin1')
  if (tag === TAG.integer && isPadded(bytes)) throw new DerError('an integer that is not in its shortest form')
  return { tag, bytes }
}

/** Whether the first byte of an integer says nothing that the sign of the second does not say too. */
function isPadded(integer: Buffer): boolean {
  const [first, second] = integer
  if (second === undefined) return false
  return (first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80)
}

/**
 * Refuses what node-forge reads loosely: tag numbers of several bytes (their second byte would be taken for a length),
 * strings in pieces and primitive sequences, and BMPString, whose pairs of bytes it turns into characters.
 */
function refuseForeignTag(tag: number): void {
  const number = tag & NUMBER
  if (number === NUMBER || number === BMP_STRING) throw new DerError(`tag 0x${tag.toString(16)} is not supported`)
  if ((tag & CLASS) !== 0) return
  const collection = number === (TAG.sequence & NUMBER) || number === (TAG.set & NUMBER)
  if (number === 0 || collection !== ((tag & CONSTRUCTED) !== 0)) {
    throw new DerError(`tag 0x${tag.toString(16)} is not DER`)
  }
}
