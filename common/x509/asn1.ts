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
  const lengths: number[] = []
  const buffer = Buffer.allocUnsafe(measure(element, lengths))
  write(element, lengths.values(), buffer, 0)
  return buffer
}

/** Adds the lengths of what an element and those in it hold, in their order. @returns its own with identifier and length */
function measure(element: Element, lengths: number[]): number {
  const at = lengths.push(0) - 1
  let content = 0
  if ('bytes' in element) content = element.bytes.length
  else for (const child of element.children) content += measure(child, lengths)
  lengths[at] = content
  return 2 + digitsOf(content) + content
}

/** How many bytes a length has behind its first one. */
function digitsOf(length: number): number {
  return length < 0x80 ? 0 : Math.ceil((32 - Math.clz32(length)) / 8)
}

/** @returns where the element ends */
function write(element: Element, lengths: Iterator<number, undefined>, buffer: Buffer, start: number): number {
  const content = lengths.next().value ?? 0
  const digits = digitsOf(content)
  buffer[start] = element.tag
  buffer[start + 1] = digits === 0 ? content : 0x80 | digits
  if (digits > 0) buffer.writeUIntBE(content, start + 2, digits)
  let end = start + 2 + digits
  if ('bytes' in element) return end + element.bytes.copy(buffer, end)
  for (const child of element.children) end = write(child, lengths, buffer, end)
  return end
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
