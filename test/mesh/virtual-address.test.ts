import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressIn, LARGEST_OFFSET } from '../../common/virtual-address.js'
import { allocateOffsets, NO_OFFSETS, REUSE_AFTER_MS } from '../../controlplane/mesh/virtual-address.js'

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
  const after = allocateOffsets(before, [...names(2000), 'another'], 1)
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
