import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSocketAddress, parseSocketAddress } from '../../common/socket-address.js'

for (const [text, want] of [
  ['10.0.0.1:80', '10.0.0.1:80'],
  ['db.example.org:80', 'db.example.org:80'],
  ['[::1]:80', '[::1]:80'],
  ['[0:0:0:0:0:0:0:1]:80', '[::1]:80'],
  ['[FD00:0::00A1]:80', '[fd00::a1]:80'],
  ['::1:80', undefined],
  ['[::1]', undefined],
  ['[10.0.0.1]:80', undefined],
  ['[::1]:0', undefined],
  ['[::1]:65536', undefined],
] as const) {
  test(`${text} is read and written as ${want}`, () => {
    const parsed = parseSocketAddress(text)
    assert.equal(parsed && formatSocketAddress(parsed), want)
  })
}
