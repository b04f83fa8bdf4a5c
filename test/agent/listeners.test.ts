import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { readListenerTable } from '../../agent/names/listener-table.js'
import {
  type Listener,
  onAllAddresses,
  onLoopback,
  parseListeners,
  readListeners,
} from '../../agent/names/listeners.js'
import { findSocketOwners } from '../../agent/names/socket-owners.js'
import { judgeListeners } from '../../agent/names/watch-listeners.js'
import { addressInUse } from '../../agent/relay/retry-addresses.js'

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const REST = '00000000:00000000 00:00000000 00000000     0        0 11111 1 0000000000000000 100 0 0 10 0\n'
const V6 = '0'.repeat(32)
const MAPPED = '0000000000000000FFFF00000100007F'

/** A line of the table for a local address; a listener unless another state is given. */
const line = (local: string, state = '0A') => `   0: ${local} 00000000:0000 ${state} ${REST}`

const cases: readonly [string, string, readonly string[]][] = [
  ['an empty table has none', HEAD, []],
  ['a listener on 0.0.0.0', `${HEAD}${line('00000000:1F90')}`, ['0.0.0.0 8080']],
  ['a listener on one address', `${HEAD}${line('0100007F:1F90')}`, ['127.0.0.1 8080']],
  ['a connection is none', `${HEAD}${line('00000000:1F90', '01')}`, []],
  ['a listener on ::', `${HEAD}${line(`${V6}:0050`)}`, [':: 80']],
  ['an IPv4 address in an IPv6 socket', `${HEAD}${line(`${MAPPED}:0050`)}`, ['127.0.0.1 80']],
  ['a listener on ::1', `${HEAD}${line('00000000000000000000000001000000:0050')}`, ['::1 80']],
  ['a listener on fe80::1:2', `${HEAD}${line('000080FE000000000000000002000100:0016')}`, ['fe80::1:2 22']],
  ['several', `${HEAD}${line('00000000:1F90')}${line('0B00000A:0016')}`, ['0.0.0.0 8080', '10.0.0.11 22']],
  ['something else has none', 'not a table\n0A 0A 0A 0A', []],
]

for (const [name, text, want] of cases) {
  test(`of /proc/net/tcp is read: ${name}`, () => {
    assert.deepEqual(
      parseListeners(text).map(({ address, port }) => `${address} ${port}`),
      want,
    )
  })
}

test('both tables are read and one that is missing has none', async () => {
  const tables = new Map([['/proc/net/tcp', `${HEAD}${line('00000000:1F90')}`]])
  assert.deepEqual(await readListeners(async (path) => tables.get(path)), [
    { address: '0.0.0.0', port: 8080, inode: '11111' },
  ])
})

test('however many connections there are, the table is read only as far as listeners go', async (t) => {
  const servers = Array.from({ length: 40 }, () => createServer((socket) => socket.resume()).listen(0, '127.0.0.1'))
  t.after(() => servers.map((server) => server.close()))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  const clients = Array.from({ length: 500 }, (_, index) => connect(ports[index % ports.length] ?? 0, '127.0.0.1'))
  t.after(() => clients.map((client) => client.destroy()))
  await Promise.all(clients.map((client) => once(client, 'connect')))
  const read = (await readListenerTable('/proc/net/tcp')) ?? ''
  const found = new Set(parseListeners(read).map(({ port }) => port))
  assert.deepEqual(
    ports.filter((port) => !found.has(port)),
    [],
  )
  const whole = await readFile('/proc/net/tcp', 'utf8')
  assert.ok(whole.length - read.length > 500 * 100, `${read.length} of ${whole.length} bytes`)
})

test('listeners of this machine are seen with their process, on all addresses and on loopback', async (t) => {
  const [wildcard, loopback] = [createServer(), createServer()]
  t.after(() => [wildcard, loopback].map((server) => server.close()))
  await Promise.all([
    once(wildcard.listen(0, '0.0.0.0'), 'listening'),
    once(loopback.listen(0, '127.0.0.1'), 'listening'),
  ])
  const all = await readListeners()
  const found = [wildcard, loopback].map((server) =>
    all.find(({ port, address }) => port === (server.address() as AddressInfo).port && address !== '::'),
  )
  assert.deepEqual(
    found.map((one) => one && [onAllAddresses(one), onLoopback(one)]),
    [
      [true, false],
      [false, true],
    ],
  )
  const inodes = found.flatMap((one) => one?.inode ?? [])
  const owners = await findSocketOwners(new Set([...inodes, '0']))
  for (const inode of inodes) assert.match(owners.get(inode) ?? '', new RegExp(`^\\S.* \\(${process.pid}\\)$`))
  assert.equal(owners.size, 2)
})

const at = (address: string, port: number, inode = '1'): Listener => ({ address, port, inode })

const CONTEXT = {
  servicePorts: [9090],
  inbound: { address: '10.0.0.11', port: 15006 },
  firstPort: 0,
  owners: new Map([['7', 'nginx (812)']]),
}

test('names leave alone what programs hold on all addresses, the ports of own services, and low ports', () => {
  const found = judgeListeners([at('::', 80, '7'), at('0.0.0.0', 80, '7'), at('127.0.0.1', 5432), at('::', 22)], {
    ...CONTEXT,
    firstPort: 3,
  })
  assert.deepEqual(found.occupiedPorts, [1, 2, 22, 80, 9090])
  assert.deepEqual(found.portHolders, [
    { port: 22, process: '' },
    { port: 80, process: 'nginx (812)' },
  ])
})

const exposures: readonly [string, readonly Listener[], readonly string[]][] = [
  ['a service on loopback is not exposed', [at('127.0.0.1', 9090), at('::1', 9090)], []],
  [
    'one on all addresses is, once for each',
    [at('0.0.0.0', 9090), at('0.0.0.0', 9090), at('::', 9090)],
    ['0.0.0.0', '::'],
  ],
  ['one on an address of the host is', [at('10.0.0.11', 9090)], ['10.0.0.11']],
  ['another program is not', [at('0.0.0.0', 22)], []],
]

for (const [name, listeners, want] of exposures) {
  test(name, () => {
    assert.deepEqual(
      judgeListeners(listeners, CONTEXT).exposed.map(({ address }) => address),
      want,
    )
  })
}

test('a service on the port of Envoy is not exposed by Envoy', () => {
  const context = { ...CONTEXT, servicePorts: [15006] }
  assert.deepEqual(judgeListeners([at('10.0.0.11', 15006), at('127.0.0.1', 15006)], context).exposed, [])
})

const refusals: readonly [string, string, string | undefined][] = [
  ['an IPv4 address', "cannot bind '127.91.9.62:9200': Address already in use", '127.91.9.62'],
  ['an IPv6 address', "x: cannot bind '[::1]:9200': Address already in use\n", '::1'],
  ['another reason', "cannot bind '127.91.9.62:80': Permission denied", undefined],
  ['something else', 'Proto constraint validation failed', undefined],
]

for (const [name, error, want] of refusals) {
  test(`of a refusal is read which address is in use: ${name}`, () => assert.equal(addressInUse(error)?.address, want))
}
