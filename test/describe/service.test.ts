import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concerns } from '../../controlplane/describe/problems.js'
import { describeService } from '../../controlplane/describe/service.js'
import { meshFrom } from '../mesh/inputs.js'

const HOSTS = 'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: http, version: v1 } } }'

const DOCUMENTS = `kind: service
service: payments
timeouts: { request: 3s }
retry:
  retries: 4
subsets:
  one: { labels: { version: v1 } }
---
kind: route
service: payments
rules:
  - name: slow
    match: { path: { prefix: /slow } }
    timeout: 60s
---
kind: authorization
service: payments
allow:
  - from: { services: [web] }
`

function described(documents: string) {
  const built = meshFrom(HOSTS, documents)
  return describeService('payments', built.config, built)
}

function places(documents: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    described(documents).settings.map(({ setting, value, from }) => [setting, `${value} ${from}`]),
  )
}

test('a setting that a document says has its line, every other one is the default', () => {
  const told = places(DOCUMENTS)
  assert.equal(told['timeouts.request'], '3000 mesh.yaml:3')
  assert.equal(told['retry.retries'], '4 mesh.yaml:5')
  assert.equal(told['timeouts.connect'], '5000 default')
  assert.match(told['retry.on'] ?? '', /undelivered.* default$/)
  assert.equal(told['loadBalancing.policy'], 'least-request default')
  assert.equal(told['protocol'], 'http instances')
  assert.equal(places('protocol: http\nkind: service\nservice: payments\n')['protocol'], 'http mesh.yaml:1')
  assert.equal(places('')['timeouts.request'], 'off default')
})

test('the default of the mesh has the line that says it', () => {
  const told = described('kind: mesh\nauthorization: deny\n')
  assert.equal(told.settings.find(({ setting }) => setting === 'mesh authorization')?.from, 'mesh.yaml:2')
  const first = described('authorization: deny\nkind: mesh\n').settings.find(({ from }) => from === 'mesh.yaml:1')
  assert.equal(first?.setting, 'mesh authorization')
  const unset = described('kind: mesh\n').settings.find(({ setting }) => setting === 'mesh authorization')
  assert.equal(unset?.from, 'default')
  assert.match(told.access.otherwise, /every other call is refused: the mesh .* at mesh\.yaml:2$/)
})

test('subsets, routes and access rules have their lines', () => {
  const { subsets, routes, access } = described(DOCUMENTS)
  assert.deepEqual(subsets, [{ name: 'one', labels: { version: 'v1' }, instances: 1, from: 'mesh.yaml:7' }])
  assert.deepEqual(
    routes.map(({ rule, ...told }) => told),
    [{ name: 'slow', timeout: 60_000, retries: 4, inEffect: true, from: 'mesh.yaml:12' }],
  )
  assert.deepEqual(access.rules, [
    { effect: 'allow', name: 'allow-1', callers: { services: ['web'] }, from: 'mesh.yaml:19' },
  ])
  assert.equal(access.otherwise, 'every other call is refused: allow is at mesh.yaml:18')
})

test('a route that is left out for its problem is told as not in effect, with the problem', () => {
  const documents = 'kind: route\nservice: payments\nrules: [{ to: { subset: none } }]\n'
  const { config, problems } = meshFrom(HOSTS, documents)
  assert.deepEqual(
    described(documents).routes.map(({ inEffect }) => inEffect),
    [false],
  )
  assert.ok(problems.some((problem) => problem.severity === 'error' && concerns(problem, 'payments', config)))
})

test('what no rule matches is told of the ports where something is left', () => {
  const rest = (rules: string) => described(`kind: route\nservice: payments\nrules: [${rules}]\n`).unmatched
  assert.deepEqual(rest('{ match: { path: { prefix: /a } } }'), ['payments/main'])
  for (const all of ['{}', '{ match: {} }', '{ match: { path: { prefix: / } } }']) assert.deepEqual(rest(all), [])
  assert.deepEqual(described('').unmatched, ['payments/main'])
})

test('of the rules for a tcp port the first alone is in effect', () => {
  const built = meshFrom(
    'pay-1: { address: 10.0.0.12, services: { payments: { port: 9090, protocol: tcp } } }',
    'kind: route\nservice: payments\nrules: [{ name: first }, { name: second }]\n',
  )
  const { routes, unmatched } = describeService('payments', built.config, built)
  assert.deepEqual(
    routes.map(({ name, inEffect }) => [name, inEffect]),
    [
      ['first', true],
      ['second', false],
    ],
  )
  assert.deepEqual(unmatched, [])
})

test('a subset counts the instances that requests for it can go to', () => {
  const hosts = (health: string) =>
    `${HOSTS}\npay-2: { address: 10.0.0.13, services: { payments: { port: 9090, protocol: http, version: v1${health} } } }`
  const count = (health: string) => {
    const built = meshFrom(hosts(health), DOCUMENTS)
    return describeService('payments', built.config, built).subsets[0]?.instances
  }
  assert.equal(count(''), 2)
  assert.equal(count(', health: critical'), 1)
})
