import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileStat, GONE_MS, Settling, SHRUNK_MS, STABLE_MS } from '../../common/config/settling.js'

const stat = (inode: number, size: number, modified: number, changed = modified): FileStat => ({
  inode: BigInt(inode),
  size: BigInt(size),
  modified: BigInt(modified),
  changed: BigInt(changed),
})

const PATH = 'routes.d/a.yaml'
const only = (one: FileStat | undefined) => new Map(one === undefined ? [] : [[PATH, one]])

function taken(one: FileStat): Settling {
  const settling = new Settling()
  settling.taken(PATH, one)
  return settling
}

test('a file that is being written in place is never taken before it is stable, whatever its length was meanwhile', () => {
  const settling = taken(stat(1, 100, 1))
  let now = 0
  for (let size = 60; size <= 300; size++) {
    now += STABLE_MS - 1
    assert.equal(
      settling.observe(only(stat(1, size, size + 10)), now).take.size,
      0,
      `a prefix of ${size} bytes was taken`,
    )
  }
  const done = settling.observe(only(stat(1, 300, 310)), now + STABLE_MS)
  assert.deepEqual([...done.take.keys()], [PATH])
})

test('a rename into place is taken at once', () => {
  const settling = taken(stat(1, 100, 1))
  assert.equal(settling.observe(only(stat(2, 10, 50, 60)), 0).take.size, 1)
})

test('an editor that makes a new file and writes it in pieces is waited for', () => {
  const settling = taken(stat(1, 100, 1))
  assert.equal(settling.observe(only(stat(2, 10, 50)), 0).take.size, 0)
  assert.equal(settling.observe(only(stat(2, 90, 60)), STABLE_MS).take.size, 0)
  assert.equal(settling.observe(only(stat(2, 90, 60)), 2 * STABLE_MS).take.size, 1)
})

test('a file that shrinks by more than half in place is held for five seconds and named', () => {
  const settling = taken(stat(1, 100, 1))
  settling.observe(only(stat(1, 40, 2)), 0)
  const held = settling.observe(only(stat(1, 40, 2)), STABLE_MS)
  assert.deepEqual([held.take.size, held.shrunk], [0, [PATH]])
  assert.equal(settling.observe(only(stat(1, 40, 2)), SHRUNK_MS).take.size, 1)
})

test('a deleted file is gone after a second, and not when it is there again before', () => {
  const settling = taken(stat(1, 100, 1))
  assert.deepEqual(settling.observe(only(undefined), 0).gone, [])
  assert.deepEqual(settling.observe(only(stat(1, 100, 1)), 500).gone, [])
  assert.deepEqual(settling.observe(only(undefined), 600).gone, [])
  assert.deepEqual(settling.observe(only(undefined), 600 + GONE_MS).gone, [PATH])
})

test('tells when to look again, and need not when nothing is pending', () => {
  const settling = taken(stat(1, 100, 1))
  assert.equal(settling.observe(only(stat(1, 100, 1)), 0).wakeAt, undefined)
  assert.equal(settling.observe(only(stat(1, 101, 2)), 10).wakeAt, 10 + STABLE_MS)
})
