import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressIn, LARGEST_OFFSET } from '../../common/virtual-address.js'
import {
  allocateOffsets,
  FRESH_MS,
  NO_OFFSETS,
  type Offsets,
  REUSE_AFTER_MS,
} from '../../controlplane/mesh/virtual-address.js'
import { seededRandom } from '../ca/fixtures.js'

const names = (count: number) => Array.from({ length: count }, (_, index) => `service-${index}`)

test('control planes that know the same services give the same offsets, in whatever order they hear of them', () => {
  const all = names(500)
  const offsets = allocateOffsets(NO_OFFSETS, all, 0)
  assert.deepEqual(allocateOffsets(NO_OFFSETS, all.toReversed(), 0), offsets)
})

test('every service has an offset of its own, within any range', () => {
  const used = Object.values(allocateOffsets(NO_OFFSETS, names(5000), 0).services).map(({ offset }) => offset)
  assert.equal(new Set(used).size, 5000)
  assert.ok(used.every((offset) => offset >= 1 && offset <= LARGEST_OFFSET))
})

test('a new service changes no address of another', () => {
  const before = allocateOffsets(NO_OFFSETS, names(2000), 0)
  const after = allocateOffsets(before, [...names(2000), 'another'], FRESH_MS)
  for (const [name, { offset }] of Object.entries(before.services)) assert.equal(after.services[name]?.offset, offset)
})

test('nothing new is the same object, so that nothing is written', () => {
  const offsets = allocateOffsets(NO_OFFSETS, ['a', 'b'], 0)
  assert.equal(allocateOffsets(offsets, ['b', 'a'], 5), offsets)
})

test('a service that comes back within 30 days has its old address; later it is free', () => {
  const before = allocateOffsets(NO_OFFSETS, ['a', 'b'], 0)
  const gone = allocateOffsets(before, ['b'], 1000)
  const still = allocateOffsets(gone, ['b'], 1000 + REUSE_AFTER_MS - 1)
  assert.equal(still.services['a']?.offset, before.services['a']?.offset)
  assert.deepEqual(allocateOffsets(still, ['a', 'b'], 2000), before)
  assert.equal(allocateOffsets(still, ['b'], 1000 + REUSE_AFTER_MS).services['a'], undefined)
})

const offsetsOf = ({ services }: Offsets) => Object.entries(services).map(([name, { offset }]) => `${name} ${offset}`)

/** A control plane that hears of services one after the other, at these times. */
function learn(order: readonly string[], at: (index: number) => number, known: Offsets = NO_OFFSETS): Offsets {
  let offsets = known
  const heard = Object.keys(known.services)
  for (const [index, name] of order.entries()) {
    heard.push(name)
    offsets = allocateOffsets(offsets, heard, at(index))
  }
  return offsets
}

/** Of many names, those that want an offset that one before them wants, with that one. */
function colliding(): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = []
  const seen = new Map<number, string>()
  for (const name of names(4000)) {
    const offset = allocateOffsets(NO_OFFSETS, [name], 0).services[name]?.offset ?? 0
    const other = seen.get(offset)
    if (other !== undefined) pairs.push([other, name])
    seen.set(offset, name)
  }
  return pairs
}

const PAIRS = colliding()
const PAIR = PAIRS[0] ?? ['', '']

test('control planes that hear of services within seconds, in another order, agree on all', () => {
  const all = [...new Set([...names(100), ...PAIRS.slice(0, 30).flat()])]
  const random = seededRandom(7)
  const spread = (index: number) => (index * (FRESH_MS - 1)) / all.length
  const want = offsetsOf(allocateOffsets(NO_OFFSETS, all, 0))
  assert.ok(PAIRS.length >= 30, 'few names collide, so little is tried')
  for (let round = 0; round < 10; round++) {
    const order = all.map((name) => ({ name, key: random() })).sort((a, b) => a.key - b.key)
    assert.deepEqual(
      offsetsOf(
        learn(
          order.map(({ name }) => name),
          spread,
        ),
      ),
      want,
    )
  }
})

test('control planes that heard of two colliding services long after one another, in another order, differ in these alone', () => {
  const [a, b] = PAIR
  const slowly = (index: number) => index * FRESH_MS
  const first = learn([a, b, 'x', 'y'], slowly)
  const second = learn(['y', b, 'x', a], slowly)
  const differ = Object.keys(first.services).filter(
    (name) => first.services[name]?.offset !== second.services[name]?.offset,
  )
  assert.deepEqual(differ.sort(), [a, b].sort())
})

test('a control plane that starts with the addresses of another agrees with it on all', () => {
  const [a, b] = PAIR
  const slowly = (index: number) => index * FRESH_MS
  const first = learn([b, a], slowly)
  const second = learn(['x', 'y'], (index) => 10 * FRESH_MS + index, first)
  assert.deepEqual(offsetsOf(learn(['y', 'x'], slowly, first)), offsetsOf(second))
})

test('an address is the range plus the offset', () => {
  for (const [range, offset, want] of [
    ['127.80.0.0/12', 1, '127.80.0.1'],
    ['127.80.0.0/12', 65_534, '127.80.255.254'],
    ['127.81.0.0/16', 256, '127.81.1.0'],
    ['127.95.7.9/16', 3, '127.95.0.3'],
  ] as const) {
    assert.equal(addressIn(range, offset), want)
  }
})
