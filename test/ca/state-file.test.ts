import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { writeFileAtomically } from '../../common/files.js'
import { type Change, StateFile, StateFileError } from '../../controlplane/state-file.js'
import { temporaryDirectory } from './fixtures.js'

const schema = z.strictObject({ count: z.int() })
type Counter = z.infer<typeof schema>
const increment = ({ count }: Counter): Change<Counter, number> => ({ state: { count: count + 1 }, result: count + 1 })

test('a state file begins with its initial state and keeps what was changed', async (t) => {
  const path = join(await temporaryDirectory(t), 'state', 'counter.json')
  const file = await StateFile.open(path, schema, { count: 0 })
  assert.equal(await file.update(increment), 1)
  assert.deepEqual(file.state, { count: 1 })
  assert.deepEqual((await StateFile.open(path, schema, { count: 0 })).state, { count: 1 })
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('a change is on the disk before its caller hears of it', async (t) => {
  const path = join(await temporaryDirectory(t), 'counter.json')
  const file = await StateFile.open(path, schema, { count: 0 })
  for (let round = 1; round <= 20; round++) {
    await file.update(increment)
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), { count: round })
  }
})

test('changes that come at once are made one after the other and written together', async (t) => {
  let writes = 0
  const write: typeof writeFileAtomically = (...args) => {
    writes++
    return writeFileAtomically(...args)
  }
  const file = await StateFile.open(join(await temporaryDirectory(t), 'counter.json'), schema, { count: 0 }, write)
  const results = await Promise.all(Array.from({ length: 100 }, () => file.update(increment)))
  assert.deepEqual(
    results,
    Array.from({ length: 100 }, (_, index) => index + 1),
  )
  assert.equal(writes, 2)
})

test('a change that makes no change writes nothing', async (t) => {
  const path = join(await temporaryDirectory(t), 'counter.json')
  const file = await StateFile.open(path, schema, { count: 0 })
  assert.equal(await file.update((state) => ({ state, result: 'seen' })), 'seen')
  await assert.rejects(stat(path))
})

test('a change that throws rejects its own caller and nobody else', async (t) => {
  const file = await StateFile.open(join(await temporaryDirectory(t), 'counter.json'), schema, { count: 0 })
  const results = await Promise.allSettled([
    file.update(increment),
    file.update(() => {
      throw new Error('no')
    }),
    file.update(increment),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(file.state, { count: 2 })
})

test('what the disk refuses is not changed, and the next change can succeed', async (t) => {
  let full = true
  const write: typeof writeFileAtomically = (...args) =>
    full ? Promise.reject(new Error('ENOSPC: no space left on device')) : writeFileAtomically(...args)
  const path = join(await temporaryDirectory(t), 'counter.json')
  const file = await StateFile.open(path, schema, { count: 0 }, write)
  const results = await Promise.allSettled([file.update(increment), file.update(increment), file.update(increment)])
  for (const result of results) {
    assert.ok(result.status === 'rejected' && result.reason instanceof StateFileError, result.status)
    assert.equal(result.reason.file, path)
  }
  assert.deepEqual(file.state, { count: 0 })
  full = false
  assert.equal(await file.update(increment), 1)
})

test('a damaged state file stops the start with its name, and is left as it is', async (t) => {
  const path = join(await temporaryDirectory(t), 'counter.json')
  for (const text of ['', '{"count":', '{"count":"1"}', '{"count":1,"more":2}', 'null']) {
    await writeFile(path, text)
    await assert.rejects(
      StateFile.open(path, schema, { count: 0 }),
      (error) => error instanceof StateFileError && error.message.startsWith(`${path}: damaged`),
    )
    assert.equal(await readFile(path, 'utf8'), text)
  }
})
