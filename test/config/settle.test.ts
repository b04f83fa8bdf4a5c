import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileStat, GONE_MS, Settling, SHRUNK_MS, STABLE_MS } from '../../common/config/settle.js'
import { randomOf } from './random.js'

const PATH = 'routes.d/a.yaml'
const OLD = 'kind: route\nservice: payments\nrules:\n  - timeout: 1s\n'
const NEW = 'kind: route\nservice: payments\nrules:\n  - timeout: 2s\n  - timeout: 3s\n'

/** A file system of one file, a clock, and what was taken from it. */
class OneFile {
  readonly settling = new Settling()
  readonly taken: string[] = []
  now = 0
  #inode = 1
  #text: string | undefined
  #stat: FileStat | undefined

  constructor(text: string) {
    this.create(text)
    if (this.#stat !== undefined) this.settling.taken(PATH, this.#stat)
  }

  create(text: string): void {
    this.#inode++
    this.#text = ''
    this.write(text)
  }

  write(text: string): void {
    this.#text = text
    this.#put(this.now, this.now)
  }

  /** Somebody wrote it elsewhere a while ago, and now gives it this name. */
  renameInto(text: string): void {
    this.#inode++
    this.#text = text
    this.#put(this.now - 1, this.now)
  }

  chmod(): void {
    if (this.#stat !== undefined) this.#stat = { ...this.#stat, changed: BigInt(this.now) }
  }

  remove(): void {
    this.#text = undefined
    this.#stat = undefined
  }

  #put(modified: number, changed: number): void {
    const size = BigInt(this.#text?.length ?? 0)
    this.#stat = { inode: BigInt(this.#inode), size, modified: BigInt(modified), changed: BigInt(changed) }
  }

  look(): { readonly gone: boolean; readonly shrunk: boolean } {
    const files = new Map(this.#stat === undefined ? [] : [[PATH, this.#stat]])
    const { take, gone, shrunk } = this.settling.observe({ files, now: this.now })
    for (const path of take) {
      this.taken.push(this.#text ?? '')
      if (this.#stat !== undefined) this.settling.taken(path, this.#stat)
    }
    return { gone: gone.length > 0, shrunk: shrunk.length > 0 }
  }

  after(ms: number): { readonly gone: boolean; readonly shrunk: boolean } {
    this.now += ms
    return this.look()
  }
}

test('no prefix of a file that is written in place is taken, at whatever length the writer pauses', () => {
  for (let length = 0; length < NEW.length; length++) {
    const file = new OneFile(OLD)
    file.now = 1000
    file.write(NEW.slice(0, length))
    file.look()
    file.after(STABLE_MS - 1)
    file.write(NEW)
    file.look()
    file.after(STABLE_MS)
    assert.deepEqual(file.taken, [NEW], `after a prefix of ${length}`)
  }
})

test('no prefix of a file that an editor makes anew and writes in pieces is taken, nor when its mode is set meanwhile', () => {
  for (const vanishes of [false, true]) {
    for (let length = 0; length < NEW.length; length++) {
      const file = new OneFile(OLD)
      file.now = 1000
      if (vanishes) file.remove()
      if (vanishes) file.look()
      file.create(NEW.slice(0, length))
      file.look()
      file.after(10)
      file.chmod()
      file.look()
      file.after(STABLE_MS - 1)
      file.write(NEW)
      file.look()
      file.after(STABLE_MS)
      assert.deepEqual(file.taken, [NEW], `after a prefix of ${length}`)
    }
  }
})

test('a rename into place is taken at once, also of a much smaller file', () => {
  const file = new OneFile(OLD.repeat(10))
  file.now = 1000
  file.renameInto(NEW)
  file.look()
  assert.deepEqual(file.taken, [NEW])
})

test('a file that shrinks by more than half in place is held and named until five seconds after its last change', () => {
  const file = new OneFile(NEW.repeat(10))
  file.now = 1000
  file.write(NEW)
  assert.deepEqual(file.look(), { gone: false, shrunk: false })
  assert.deepEqual(file.after(STABLE_MS), { gone: false, shrunk: true })
  file.after(SHRUNK_MS - STABLE_MS - 1)
  assert.deepEqual(file.taken, [])
  file.after(1)
  assert.deepEqual(file.taken, [NEW])
})

test('a deleted file is gone after a second, and not at all when it is back before', () => {
  const file = new OneFile(OLD)
  file.now = 1000
  file.remove()
  file.look()
  assert.equal(file.after(GONE_MS - 1).gone, false)
  file.renameInto(NEW)
  assert.equal(file.after(0).gone, false)
  file.after(STABLE_MS)
  assert.deepEqual(file.taken, [NEW])
  file.remove()
  file.look()
  assert.equal(file.after(GONE_MS).gone, true)
})

test('a file that gets another name is gone under the old one when it is taken under the new one', () => {
  const settling = new Settling()
  const stat = { inode: 7n, size: 5n, modified: 1n, changed: 1n }
  settling.taken('old', stat)
  const files = new Map([['new', { ...stat, changed: 9n }]])
  assert.deepEqual(settling.observe({ files, now: 0 }).take, [])
  const { take, gone } = settling.observe({ files, now: STABLE_MS })
  assert.deepEqual({ take, gone }, { take: ['new'], gone: ['old'] })
})

test('files below a directory that cannot be listed are not gone', () => {
  const settling = new Settling()
  settling.taken(PATH, { inode: 7n, size: 5n, modified: 1n, changed: 1n })
  const look = (now: number) => settling.observe({ files: new Map(), now, isHidden: (path) => path === PATH }).gone
  assert.deepEqual([...look(0), ...look(GONE_MS), ...look(10 * GONE_MS)], [])
})

test('whatever editors do in whatever order, only whole texts are taken and the last one always is', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomOf(seed)
    const file = new OneFile(OLD)
    file.now = 1000
    const whole = new Set([OLD])
    for (let round = 0; round < 5; round++) {
      const text = `${NEW}# ${round} ${'x'.repeat(Math.floor(random() * 200))}\n`
      whole.add(text)
      edit(file, text, random)
      // Whether the next edit comes early or late decides which texts are seen, never that a part is.
      file.after(random() < 0.5 ? 50 : 6000)
    }
    file.after(SHRUNK_MS)
    file.after(SHRUNK_MS)
    assert.ok(
      file.taken.every((text) => whole.has(text)),
      `seed ${seed}`,
    )
    assert.equal(file.taken.at(-1), [...whole].at(-1), `seed ${seed}`)
  }
})

function edit(file: OneFile, text: string, random: () => number): void {
  const way = random()
  if (way < 0.25) {
    file.renameInto(text)
    file.look()
    return
  }
  if (way < 0.5) file.remove()
  if (way < 0.5 && random() < 0.5) file.look()
  if (way < 0.75) file.create('')
  for (let length = 0; length < text.length; length += 1 + Math.floor(random() * 80)) {
    file.now += Math.floor(random() * STABLE_MS)
    file.write(text.slice(0, length))
    if (random() < 0.1) file.chmod()
    if (random() < 0.7) file.look()
  }
  file.now += 1
  file.write(text)
  file.look()
}
