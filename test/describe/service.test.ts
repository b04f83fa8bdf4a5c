import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDescription } from '../../cli/commands/describe.js'
import { describedFrom } from './described.js'

const HOSTS = 'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: http, version: v1 } } }'

const DOCUMENTS = `kind: service
service: payments
timeouts: { request: 3s }
retry:
  retries: 4
subsets:
  one: { labels: { version: v1 } }
`

const described = (documents: string, hosts = HOSTS) => describedFrom('payments', hosts, documents)

test('subsets have their lines, and count the instances that requests for them can go to', () => {
  const hosts = (health: string) =>
    `${HOSTS}\npay-2: { address: 10.0.0.13, services: { payments: { port: 9090, protocol: http, version: v1${health} } } }`
  const labels = { version: 'v1' }
  assert.deepEqual(described(DOCUMENTS, hosts('')).subsets, [
    { name: 'one', labels, instances: 2, from: 'mesh.yaml:7' },
  ])
  assert.equal(described(DOCUMENTS, hosts(', health: critical')).subsets[0]?.instances, 1)
})

test('a port has the numbers on which it is called, and who says its protocol', () => {
  const both = `pay-1: { address: 10.0.0.2, services: { payments: { ports: {
    main: { port: 9090, protocol: http }, bulk: { port: 7000, protocol: tcp } } } } }`
  const [main, bulk] = described('', both).ports
  assert.deepEqual(
    [main?.numbers, main?.protocol, main?.carriage, main?.from],
    [[80, 9090], 'http', 'requests', 'instances'],
  )
  assert.deepEqual([bulk?.numbers, bulk?.protocol, bulk?.carriage], [[7000], 'tcp', 'bytes'])
  const [said] = described('kind: service\nservice: payments\nprotocol: grpc\n').ports
  assert.deepEqual([said?.protocol, said?.from], ['grpc', 'mesh.yaml:3'])
})

test('a number that a host has otherwise is told with that host', () => {
  const web = 'web-1: { address: 10.0.0.1, occupied: [80], services: {} }'
  const notes = ['callers on web-1 do not find it at 80']
  assert.deepEqual(described('', `${HOSTS}\n${web}`).ports[0]?.notes, notes)
  const own = HOSTS.replace('address: 10.0.0.12,', 'address: 10.0.0.12, occupied: [9090],')
  assert.deepEqual(described('', `${own}\n${web}`).ports[0]?.notes, notes)
})

test('a port of which a rule names a path is told to refuse escaped slashes', () => {
  const rule = 'kind: route\nservice: payments\nrules: [{ match: { path: { prefix: /a } } }]\n'
  assert.deepEqual(described(rule).ports[0]?.notes, [
    'a path with %2F or %5C is answered with 400, because a rule names a path',
  ])
})

test('a service that only documents are about is described, and says that no instance is known', () => {
  const documents = `${DOCUMENTS}---
{ kind: route, service: payments, rules: [{ respond: { status: 410 } }] }
---
{ kind: authorization, service: payments, allow: [{}] }
`
  const told = described(documents, '{}')
  assert.deepEqual(told.routes[0]?.notes, ['no instance of payments is known'])
  assert.deepEqual(told.access.rules[0]?.notes, ['no instance of payments is known'])
  assert.match(formatDescription(told), /No instance is known\.\n/)
})

test('a name that is not known is refused, with the one that was probably meant', () => {
  assert.throws(() => describedFrom('paymnets', HOSTS), { status: 404, hint: 'did you mean payments?' })
})

test('what files and hosts say cannot give orders to a terminal', () => {
  const told = described('')
  const evil = '\u001b[2J\u0007\u009b31m\n'
  const [instance] = told.instances
  assert.ok(instance)
  const text = formatDescription({
    ...told,
    service: evil,
    name: evil,
    access: { rules: [], otherwise: evil },
    ports: told.ports.map((port) => ({ ...port, from: evil, notes: [evil] })),
    settings: [
      { setting: evil, value: evil, from: evil },
      { setting: 'list', value: [evil], from: evil },
    ],
    subsets: [{ name: evil, labels: { [evil]: evil }, instances: 0, from: evil }],
    routes: [{ name: evil, match: evil, goes: evil, rule: {}, inEffect: false, notes: [evil], from: evil, timeout: 1 }],
    instances: [{ ...instance, notes: [evil], provenance: [evil], labels: { [evil]: evil } }],
    problems: [{ place: evil, severity: 'error', code: evil, message: evil, hint: evil }],
  })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are looked for
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})
