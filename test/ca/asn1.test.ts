import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DerError, decodeDer, encodeDer } from '../../common/x509/asn1.js'
import { readInteger, readNamedBits, readOid, readTime } from '../../common/x509/asn1-read.js'
import { integer, namedBits, oid, sequence, time } from '../../common/x509/asn1-write.js'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('times until 2049 are UTCTime, later ones GeneralizedTime, and both read back', () => {
  const cases = [
    ['1950-01-01T00:00:00Z', '17 0d 3530303130313030303030305a'],
    ['2026-03-01T12:34:56Z', '17 0d 3236303330313132333435365a'],
    ['2049-12-31T23:59:59Z', '17 0d 3439313233313233353935395a'],
    ['2050-01-01T00:00:00Z', '18 0f 32303530303130313030303030305a'],
    ['9999-12-31T23:59:59Z', '18 0f 39393939313233313233353935395a'],
  ] as const
  for (const [text, want] of cases) {
    const der = encodeDer(time(Date.parse(text)))
    assert.deepEqual(der, hex(want), text)
    assert.equal(readTime(decodeDer(der)), Date.parse(text), text)
  }
})

test('a time that a certificate cannot tell is refused', () => {
  for (const ms of [Date.parse('1949-12-31T23:59:59Z'), 8.64e15, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => time(ms), RangeError)
  }
})

test('times in other forms than those of RFC 5280 are refused', () => {
  const texts = [
    ['without seconds', 0x17, '2603011234Z'],
    ['with an offset', 0x17, '260301123456+0100'],
    ['with a fraction', 0x18, '20500101000000.5Z'],
    ['generalized before 2050', 0x18, '20260301123456Z'],
    ['four digits in UTCTime', 0x17, '20260301123456Z'],
    ['the 31st of February', 0x17, '260231123456Z'],
    ['local', 0x17, '260301123456'],
    ['no digits', 0x17, '2603011234xxZ'],
  ] as const
  for (const [name, tag, text] of texts)
    assert.throws(() => readTime({ tag, bytes: Buffer.from(text) }), DerError, name)
})

test('integers are written in their shortest form and never become negative', () => {
  const cases = [
    ['', '02 01 00'],
    ['00', '02 01 00'],
    ['000001', '02 01 01'],
    ['7f', '02 01 7f'],
    ['80', '02 02 0080'],
    ['00ff01', '02 03 00ff01'],
  ] as const
  for (const [input, want] of cases) assert.deepEqual(encodeDer(integer(hex(input))), hex(want), input)
})

test('named bits have no trailing zeros, and such as have are refused', () => {
  assert.deepEqual(encodeDer(namedBits([0])), hex('03 02 07 80'))
  assert.deepEqual(encodeDer(namedBits([5, 6])), hex('03 02 01 06'))
  assert.deepEqual(encodeDer(namedBits([8])), hex('03 03 07 0080'))
  assert.deepEqual(encodeDer(namedBits([])), hex('03 01 00'))
  assert.deepEqual(readNamedBits(decodeDer(hex('03 02 01 06'))), [5, 6])
  for (const odd of ['03 02 00 80', '03 03 07 8000', '03 02 07 c0', '03 01 01', '03 00']) {
    assert.throws(() => readNamedBits(decodeDer(hex(odd))), DerError, odd)
  }
})

test('object identifiers that are padded, cut or empty are refused', () => {
  assert.equal(readOid(decodeDer(encodeDer(oid('2.5.29.17')))), '2.5.29.17')
  for (const odd of ['06 00', '06 03 55 1d 91', '06 04 55 1d 80 11', '06 06 55 90 80 80 80 00']) {
    assert.throws(() => readOid(decodeDer(hex(odd))), DerError, odd)
  }
})

test('an integer without bytes is refused', () => {
  assert.throws(() => readInteger({ tag: 2, bytes: Buffer.alloc(0) }), DerError)
})

test('bytes that are not canonical DER are refused', () => {
  const cases = [
    ['nothing', ''],
    ['a byte too many', '05 00 00'],
    ['a byte too few', '04 02 00'],
    ['a length in long form that fits the short one', '04 81 01 00'],
    ['a length with a leading zero', `04 82 0080 ${'00'.repeat(128)}`],
    ['indefinite length', '30 80 05 00 00 00'],
    ['an integer with a leading zero', '02 02 00 01'],
    ['a negative integer with a leading 255', '02 02 ff 80'],
    ['an octet string in pieces', '24 04 04 02 0000'],
    ['a primitive sequence', '10 02 0500'],
    ['a tag number of two bytes', '1f 01 00'],
    ['a tag number of two bytes, context specific', 'bf 81 00'],
    ['an end of contents', '30 02 0000'],
    ['a BMPString', '1e 02 0041'],
    ['a BMPString with half a character', '30 05 1e 01 41 0500'],
    ['a length of many bytes', '04 ff 00'],
    ['a negative length', '04 84 ffffffff'],
  ] as const
  for (const [name, odd] of cases) assert.throws(() => decodeDer(hex(odd)), DerError, name)
})

test('nesting is read to a depth of 16 and no further', () => {
  const nested = (depth: number) => {
    let element = sequence()
    for (let level = 1; level < depth; level++) element = sequence(element)
    return encodeDer(element)
  }
  assert.deepEqual(encodeDer(decodeDer(nested(16))), nested(16))
  assert.throws(() => decodeDer(nested(17)), DerError)
})
