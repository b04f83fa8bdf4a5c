import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Log, silentLog } from '../../common/log.js'
import { createNotifier, type Send, statusLine } from '../../common/notify.js'

test('READY goes first, and of the statuses that wait only the last is sent', async () => {
  const sent: Parameters<Send>[0][] = []
  const notifier = createNotifier('/run/notify', silentLog, async (message) => void sent.push(message))
  notifier.ready('serving')
  for (const text of ['one', 'two', 'two', 'three']) notifier.status(text)
  await notifier.flush()
  assert.deepEqual(sent, [{ ready: true, status: 'serving' }, { status: 'three' }])
})

test('without a socket nothing is sent', async () => {
  const notifier = createNotifier(undefined, silentLog, () => assert.fail('something was sent'))
  notifier.ready('serving')
  notifier.status('still')
  await notifier.flush()
})

test('a status cannot forge another message and has a bounded length', () => {
  assert.equal(statusLine('fine\nMAINPID=1\r\n\u0007\u2028x'), 'fine MAINPID=1 x')
  assert.equal(statusLine('x'.repeat(500)).length, 200)
})

test('a failure is logged and the next message is sent all the same', async () => {
  const warnings: unknown[] = []
  const log: Log = { ...silentLog, warn: (message, fields) => void warnings.push([message, fields]) }
  const sent: string[] = []
  const notifier = createNotifier('/run/notify', log, async ({ status }) => {
    sent.push(status)
    if (sent.length === 1) throw 'Failed to connect' // a string, as the package does
  })
  notifier.ready('one')
  notifier.status('two')
  await notifier.flush()
  assert.deepEqual(sent, ['one', 'two'])
  assert.deepEqual(warnings, [['systemd could not be told', { error: 'Failed to connect' }]])
})

test('the package runs the program systemd-notify with what it was told', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hostmesh-notify-'))
  const { PATH } = process.env
  t.after(() => {
    process.env = { ...process.env, PATH }
    rmSync(directory, { recursive: true })
  })
  const program = join(directory, 'systemd-notify')
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" > '${directory}/said'\n`)
  chmodSync(program, 0o755)
  process.env = { ...process.env, PATH: `${directory}:${PATH}` }
  const notifier = createNotifier('/run/notify', silentLog)
  notifier.ready('not joined; run: mesh join TOKEN')
  await notifier.flush()
  const said = readFileSync(join(directory, 'said'), 'utf8').trim().split('\n')
  assert.deepEqual(said, ['--ready', `--pid=${process.pid}`, '--status=not joined; run: mesh join TOKEN'])
})
