import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitForAddress } from '../../agent/facts.js'
import type { Notifier } from '../../common/notify.js'
import { keepingLog } from '../ca/fixtures.js'

/** Finds these addresses, one after the other, and keeps what systemd is told. */
function host(...addresses: readonly (string | undefined)[]) {
  const left = [...addresses]
  const told: string[] = []
  const notifier: Notifier = {
    ready: (status) => void told.push(status),
    status() {},
    flush: () => Promise.resolve(),
  }
  const { log, lines } = keepingLog()
  return { find: () => Promise.resolve(left.shift()), notifier, log, lines, told }
}

test('an agent whose host has no address yet says so once and goes on when there is one', async (t) => {
  const { find, notifier, log, lines, told } = host(undefined, undefined, '10.0.0.7')
  assert.equal(await waitForAddress(undefined, notifier, log, t.signal, find), '10.0.0.7')
  assert.match(
    lines.map(({ message }) => message).join(),
    /^this host has no default route.*set `address` in agent.yaml$/,
  )
  assert.equal(told.length, 1)
})

test('an address that is set is not looked for', async (t) => {
  const { find, notifier, log, lines } = host(undefined)
  assert.equal(await waitForAddress('10.0.0.8', notifier, log, t.signal, find), '10.0.0.8')
  assert.deepEqual(lines, [])
})

test('an agent that waits for an address can be stopped', async () => {
  const end = new AbortController()
  const { find, notifier, log } = host()
  const waiting = waitForAddress(undefined, notifier, log, end.signal, find)
  end.abort()
  assert.equal(await waiting, undefined)
})
