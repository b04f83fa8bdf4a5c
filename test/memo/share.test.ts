import assert from 'node:assert/strict'
import { test } from 'node:test'
import { share } from '../../common/memo/share.js'

/** Each makes an equal value at each call. */
const VALUES: readonly (readonly [string, () => unknown])[] = [
  ['a plain object', () => ({ a: 1, b: { c: [1, 2, undefined] } })],
  ['a list', () => [{ a: 1 }, [2], Number.NaN]],
  ['a map', () => new Map([['a', { b: 1 }]])],
  ['a set', () => new Set(['a', 'b'])],
  ['bytes', () => Uint8Array.of(1, 2)],
  ['an object without a prototype', () => Object.assign(Object.create(null), { a: [] })],
]

for (const [name, make] of VALUES) {
  test(`${name} that is equal is the old one`, () => {
    const before = make()
    assert.equal(share(before, make()), before)
  })
}

test('what differs is new, and the equal parts beside it are the old ones', () => {
  const before = { same: { a: [1] }, list: [{ a: 1 }, { b: 2 }], map: new Map([['x', [1]]]), gone: 1 }
  const now = share(before, {
    same: { a: [1] },
    list: [{ a: 1 }, { b: 3 }],
    map: new Map([
      ['x', [1]],
      ['y', [2]],
    ]),
  })
  assert.deepEqual(now, {
    same: { a: [1] },
    list: [{ a: 1 }, { b: 3 }],
    map: new Map([
      ['x', [1]],
      ['y', [2]],
    ]),
  })
  assert.equal(now.same, before.same)
  assert.equal(now.list[0], before.list[0])
  assert.equal(now.map.get('x'), before.map.get('x'))
  assert.notEqual(now.list[1], before.list[1])
})

const DIFFERENT: readonly (readonly [string, unknown, unknown])[] = [
  ['another order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
  [
    'another order of entries',
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  ],
  ['another order in a set', new Set([1, 2]), new Set([2, 1])],
  ['a longer list', [1], [1, 2]],
  ['a shorter list', [1, 2], [1]],
  ['a key that is gone', { a: 1, b: undefined }, { a: 1 }],
  ['a key that is new', { a: 1 }, { a: 1, b: undefined }],
  ['another kind', [], {}],
  ['another function', { a: () => 1 }, { a: () => 1 }],
  ['other bytes', Uint8Array.of(1), Uint8Array.of(2)],
]

for (const [name, before, now] of DIFFERENT) {
  test(`${name} is a difference`, () => assert.equal(share(before, now), now))
}
