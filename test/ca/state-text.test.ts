import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StateText } from '../../controlplane/state-text.js'

const STATES: readonly (readonly [string, unknown])[] = [
  ['an empty list', []],
  ['a list', [{ host: 'a', services: [{ port: 1 }] }, { host: 'ä"\n' }, 3, null, 'text']],
  ['a list in an object', { hosts: [{ host: 'a' }, { host: 'b' }] }],
  ['lists and other values', { next: 7, none: undefined, offsets: { a: 1 }, hosts: [], more: [1, 2] }],
  ['an empty object', {}],
  ['a number', 1],
]

for (const [what, state] of STATES) {
  test(`${what} is JSON, and the same when it is written again`, () => {
    const text = new StateText()
    const first = Buffer.from(text.encode(state)).toString()
    assert.deepEqual(JSON.parse(first), JSON.parse(JSON.stringify(state)))
    assert.equal(Buffer.from(text.encode(state)).toString(), first)
  })
}

test('each item of a list has a line, and what took the place of another is told', () => {
  const text = new StateText()
  const [a, b] = [{ host: 'a' }, { host: 'b', lost: 1 }]
  assert.equal(Buffer.from(text.encode([a, b])).toString(), '[\n{"host":"a"},\n{"host":"b","lost":1}\n]\n')
  assert.equal(Buffer.from(text.encode([a, { host: 'b' }])).toString(), '[\n{"host":"a"},\n{"host":"b"}\n]\n')
})
