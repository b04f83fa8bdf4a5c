import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDescription } from '../../cli/commands/describe.js'
import { describedFrom } from './described.js'

const HOSTS = 'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: http } } }'

const RULES = `kind: authorization
service: payments
allow:
  - from: { services: [web, "shop-*"] }
deny:
  - { name: no-admin, to: { methods: [GET], paths: [/secret, { prefix: /admin }] } }
`

const accessOf = (documents: string, hosts = HOSTS) => describedFrom('payments', hosts, documents).access

test('rules of access are told in words, deny first, each with its line', () => {
  const text = formatDescription(describedFrom('payments', HOSTS, RULES)).replaceAll(/ {2,}/g, '  ')
  assert.match(
    text,
    /deny {2}no-admin {2}any caller of the mesh {2}GET \/secret, \/admin… {2}yes {2}mesh\.yaml:6 {2}-\nallow {2}allow-1 {2}web, shop-\* {2}any request {2}yes {2}mesh\.yaml:4 {2}-\nAccess: every other call is refused: allow is at mesh\.yaml:3\.\n/,
  )
})

test('the structure of a rule is kept for programs', () => {
  const [deny, allow] = accessOf(RULES).rules
  assert.deepEqual(deny?.to, { methods: ['GET'], paths: ['/secret', { prefix: '/admin' }] })
  assert.deepEqual(allow?.callers, { services: ['web', 'shop-*'] })
})

const EVERYBODY: readonly (readonly [string, string, RegExp])[] = [
  ['without a document', '', /^every other call is allowed/],
  [
    'with only deny',
    '{ kind: authorization, service: payments, deny: [{ from: { services: [web] } }] }',
    /^every other call is allowed/,
  ],
  ['with an empty allow', 'kind: authorization\nservice: payments\nallow: []\n', /refused: allow is at mesh\.yaml:3$/],
  ['in a mesh that denies', 'kind: mesh\nauthorization: deny\n', /refused: the mesh .* at mesh\.yaml:2$/],
]

for (const [name, documents, want] of EVERYBODY) {
  test(`a sentence says what happens to everybody else: ${name}`, () => {
    assert.match(accessOf(documents).otherwise, want)
  })
}

test('rules of a service outside the mesh are not in effect, and it is said why', () => {
  const documents = `${RULES}---
{ kind: catalog, service: payments, instances: [{ address: 10.0.0.9, port: 9090 }] }
`
  const { rules, otherwise } = accessOf(documents, '{}')
  assert.deepEqual(
    rules.map(({ inEffect, notes }) => [inEffect, ...notes]),
    Array(2).fill([false, 'its instances are outside the mesh']),
  )
  assert.match(otherwise, /^nothing is refused/)
})

test('what a rule about requests does at a tcp port is said', () => {
  const hosts = 'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: tcp } } }'
  const documents = `kind: authorization
service: payments
allow: [{ from: { services: [web] }, to: { methods: [GET] } }]
deny: [{ from: { services: [bad] }, to: { methods: [GET] } }]
`
  assert.deepEqual(
    accessOf(documents, hosts).rules.map(({ effect, inEffect, notes }) => [effect, inEffect, ...notes]),
    [
      ['deny', true, 'it refuses these callers altogether at the tcp port main, which has no requests'],
      ['allow', false, 'it allows nothing at the tcp port main, which has no requests'],
    ],
  )
})
