import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { parseOccupiedPorts, readOccupiedPorts } from '../../agent/names/occupied-ports.js'

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const REST = '00000000:00000000 00:00000000 00000000     0        0 11111 1 0000000000000000 100 0 0 10 0\n'
const V6 = '0'.repeat(32)
const MAPPED = '0000000000000000FFFF000000000000'

const cases: readonly [string, string, readonly number[]][] = [
  ['an empty table has none', HEAD, []],
  ['a listener on 0.0.0.0 counts', `${HEAD}   0: 00000000:1F90 00000000:0000 0A ${REST}`, [8080]],
  ['a listener on one address does not', `${HEAD}   0: 0100007F:1F90 00000000:0000 0A ${REST}`, []],
  ['a connection from a wildcard port does not', `${HEAD}   0: 00000000:1F90 0100007F:C350 01 ${REST}`, []],
  ['a listener on :: counts', `${HEAD}   0: ${V6}:0050 ${V6}:0000 0A ${REST}`, [80]],
  ['a listener on ::ffff:0.0.0.0 counts', `${HEAD}   0: ${MAPPED}:0050 ${V6}:0000 0A ${REST}`, [80]],
  ['a listener on ::1 does not', `${HEAD}   0: 00000000000000000000000001000000:0050 ${V6}:0000 0A ${REST}`, []],
  [
    'ports come once and sorted',
    `${HEAD}  10: 00000000:1F90 00000000:0000 0A ${REST}  11: 00000000:0016 00000000:0000 0A ${REST}  12: 00000000:1F90 00000000:0000 0A ${REST}`,
    [22, 8080],
  ],
  ['something else has none', 'not a table\n0A 0A 0A 0A', []],
]

for (const [name, text, want] of cases) {
  test(name, () => assert.deepEqual(parseOccupiedPorts(text), want))
}

test('both tables are read and one that is missing has none', async () => {
  const tables = new Map([['/proc/net/tcp', `${HEAD}   0: 00000000:1F90 00000000:0000 0A ${REST}`]])
  assert.deepEqual(await readOccupiedPorts(async (path) => tables.get(path)), [8080])
})

test('a wildcard listener of this machine is seen and one on loopback is not', async (t) => {
  const [wildcard, loopback] = [createServer(), createServer()]
  t.after(() => [wildcard, loopback].map((server) => server.close()))
  await Promise.all([
    once(wildcard.listen(0, '0.0.0.0'), 'listening'),
    once(loopback.listen(0, '127.0.0.1'), 'listening'),
  ])
  const ports = await readOccupiedPorts()
  assert.ok(ports.includes((wildcard.address() as AddressInfo).port))
  assert.ok(!ports.includes((loopback.address() as AddressInfo).port))
})
