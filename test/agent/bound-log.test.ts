import assert from 'node:assert/strict'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { boundLog } from '../../agent/envoy/bound-log.js'
import { Latest, waitFor } from '../../common/latest.js'
import { createLog, silentLog } from '../../common/log.js'
import { until } from '../e2e/until.js'
import { atEnd } from '../lab/at-end.js'
import { makeRunDirectory } from './stand-in.js'

const LIMITS = { most: 1000, pause: 5 }

/** A log that a program holds open and writes at the end of, and that is bounded until the test ends. */
async function boundedLog(t: TestContext, log = silentLog) {
  const path = join(makeRunDirectory(t), 'envoy.log')
  const file = await open(path, 'a', 0o600)
  const end = new AbortController()
  const running = boundLog(path, log, LIMITS)(end.signal)
  atEnd(t, async () => {
    end.abort()
    await running
    await file.close()
  })
  return { path, write: (text: string) => file.appendFile(text) }
}

test('a log that is too large is emptied, and what was in it is kept once', async (t) => {
  const { path, write } = await boundedLog(t)
  for (const letter of ['a', 'b']) {
    await write(letter.repeat(2000))
    await until('the log to be emptied', async () => (await stat(path)).size === 0)
    assert.equal(await readFile(`${path}.1`, 'utf8'), letter.repeat(2000))
  }
  await write('more')
  assert.equal(await readFile(path, 'utf8'), 'more')
  assert.equal((await stat(`${path}.1`)).mode & 0o777, 0o600)
})

test('a log of which no copy can be made is emptied all the same, and that is told', async (t) => {
  const lines = new Latest('')
  const { path, write } = await boundedLog(
    t,
    createLog('info', (line) => lines.set(lines.value + line)),
  )
  await mkdir(`${path}.1`)
  await write('a'.repeat(2000))
  await until('the log to be emptied', async () => (await stat(path)).size === 0)
  await waitFor(lines, (all) => all.includes('without a copy'), AbortSignal.timeout(10_000))
})
