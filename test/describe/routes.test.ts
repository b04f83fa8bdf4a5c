import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDescription } from '../../cli/commands/describe.js'
import { describedFrom } from './described.js'

const HOSTS = `
web-1: { address: 10.0.0.1, services: { web: { port: 8080 } } }
pay-1: { address: 10.0.0.2, services: { payments: { port: 9090, version: v1 } } }
pay-2: { address: 10.0.0.3, services: { payments: { port: 9090, version: v2 } } }
`

const TWO_PORTS = `
pay-1: { address: 10.0.0.2, services: { payments: { ports: { main: { port: 9090, protocol: http }, bulk: { port: 9091, protocol: tcp } } } } }
`

const SUBSETS = `kind: service
service: payments
subsets: { v1: { labels: { version: v1 } }, v2: { labels: { version: v2 } } }
---
`

const rules = (text: string) => `${SUBSETS}kind: route\nservice: payments\nrules:\n${text}`

const described = (documents: string, hosts = HOSTS) => describedFrom('payments', hosts, documents)

/** The table of routes, titles aside; spaces between columns are two. */
function table(documents: string, hosts = HOSTS): readonly string[] {
  const lines = formatDescription(described(documents, hosts)).split('\n')
  const start = lines.findIndex((line) => line.startsWith('PORT') && line.includes('ROUTE'))
  const rows = lines.slice(start + 1)
  return rows.slice(0, rows.indexOf('')).map((line) => line.replaceAll(/ {2,}/g, '  '))
}

const WORDS: readonly (readonly [string, string, string])[] = [
  [
    'a split has its shares',
    '  - name: charge\n    split: [{ subset: v1, weight: 9.5 }, { subset: v2, weight: 0.5 }]\n',
    'main  charge  every request  95% to payments/main/v1, 5% to payments/main/v2  off  2  yes  mesh.yaml:8  -',
  ],
  [
    'a match has its methods, path and headers, and a limit its unit',
    '  - match: { path: { prefix: /a }, method: [GET, POST], headers: { x-b: { exact: c }, x-d: present, x-e: { regex: "f+" } } }\n    timeout: 90s\n    retry: { retries: 1, perTry: 500ms, on: ["503"], methods: [GET] }\n',
    'main  rule-1  GET, POST and path /a… and header x-b = c and header x-d and header x-e ~ f+  to payments/main  1m30s  1, each up to 500ms  yes  mesh.yaml:8  tried again on 503; tried again only with GET',
  ],
  [
    'several matches are told with or',
    '  - match: [{ path: { exact: /a } }, { method: [GET] }]\n    to: { service: web }\n    rewrite: { prefix: /b }\n',
    'main  rule-1  path /a or GET  to web/main, path as /b  off  2  yes  mesh.yaml:8  -',
  ],
  [
    'an answer of Envoy has no limits',
    '  - respond: { status: 410, body: gone }\n',
    'main  rule-1  every request  answered with 410: gone  -  -  yes  mesh.yaml:8  -',
  ],
]

for (const [name, text, want] of WORDS) {
  test(`routes are told in words: ${name}`, () => assert.equal(table(rules(text))[0], want))
}

test('what no rule matches is told of each port where something is left, and only there', () => {
  assert.deepEqual(table(rules('  - match: { path: { prefix: /a } }\n')).slice(1), [
    'main  -  every other request  to payments/main  off  2  yes  default  -',
  ])
  for (const all of ['  - {}\n', '  - match: {}\n', '  - match: { path: { prefix: / } }\n']) {
    assert.deepEqual(described(rules(all)).unmatched, [])
  }
  assert.deepEqual(table('', TWO_PORTS), [
    'main  -  every request  to payments/main  off  2  yes  default  -',
    'bulk  -  every connection  to payments/bulk  -  -  yes  default  -',
  ])
})

const NOT_IN_EFFECT: readonly (readonly [string, string, string, string, number])[] = [
  [
    'in a document that is left out',
    rules('  - match: { method: [GET] }\n  - to: { subset: v9 }\n'),
    HOSTS,
    'its document is left out: payments has no subset v9 (mesh.yaml:9)',
    0,
  ],
  [
    'behind one that matches everything',
    rules('  - name: all\n  - match: { path: { prefix: /a } }\n'),
    HOSTS,
    'all before it matches every request',
    1,
  ],
  [
    'for a port that there is not',
    'kind: route\nservice: payments\nport: db\nrules: [{}]\n',
    HOSTS,
    'payments has no port db; it has main',
    0,
  ],
  [
    'where each port has its own document',
    'kind: route\nservice: payments\nport: main\nrules: [{}]\n---\nkind: route\nservice: payments\nrules: [{ respond: { status: 410 } }]\n',
    HOSTS,
    'each port that it could be for has a document of its own',
    1,
  ],
  [
    'behind the first of a tcp port',
    'kind: route\nservice: payments\nport: bulk\nrules: [{ name: first }, { name: second }]\n',
    TWO_PORTS,
    'of the rules for a tcp port the first one takes all connections',
    1,
  ],
  [
    'about requests of a tcp port',
    'kind: route\nservice: payments\nport: bulk\nrules: [{ timeout: 1s }]\n',
    TWO_PORTS,
    'its document is left out: not possible for the tcp port payments/bulk: only to and split are (mesh.yaml:4)',
    0,
  ],
]

for (const [name, documents, hosts, why, at] of NOT_IN_EFFECT) {
  test(`a rule ${name} is not in effect, and it is said why`, () => {
    const route = described(documents, hosts).routes[at]
    assert.deepEqual([route?.inEffect, route?.notes], [false, [why]])
  })
}

test('the problem of another document in the same file is not taken for the reason', () => {
  const documents = `kind: route
service: web
rules: [{ to: { service: none } }]
---
${rules('  - to: { subset: v9 }\n')}`
  assert.deepEqual(described(documents).routes[0]?.notes, [
    'its document is left out: payments has no subset v9 (mesh.yaml:12)',
  ])
})

test('a document that is left out leaves all requests to the instances, and its problem is told', () => {
  const { unmatched, problems } = described(rules('  - to: { subset: v9 }\n'))
  assert.deepEqual(
    unmatched.map(({ port, match, goes }) => [port, match, goes]),
    [['main', 'every request', 'to payments/main']],
  )
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['MSH0303'],
  )
})

test('a destination to which nothing can go is told, of rules and of what none matches', () => {
  const [route] = described(rules('  - to: { subset: v2 }\n'), HOSTS.replace('v2 }', 'v2, health: critical }')).routes
  assert.deepEqual(
    [route?.inEffect, route?.notes],
    [true, ['no instance of payments/main/v2 can be called: requests to it get 503']],
  )
  const [rest] = described('', HOSTS.replaceAll(/(v\d) }/g, '$1, health: critical }')).unmatched
  assert.deepEqual(rest?.notes, ['no instance of payments/main can be called: requests to it get 503'])
  const tcp = 'pay-1: { address: 10.0.0.2, services: { payments: { port: 1, protocol: tcp, health: critical } } }'
  const [bytes] = described('', tcp).unmatched
  assert.deepEqual(bytes?.notes, ['no instance of payments/main can be called: connections to it are closed'])
})

test('that calls of gRPC bring a deadline along is told where applications speak it', () => {
  const note = 'a gRPC call ends at its own deadline, if that is earlier'
  const hosts = 'pay-1: { address: 10.0.0.2, services: { payments: { port: 1, protocol: grpc } } }'
  const { routes, unmatched } = described(
    'kind: route\nservice: payments\nrules: [{ match: { method: [POST] }, timeout: 2s }]\n',
    hosts,
  )
  assert.deepEqual([routes[0]?.notes, unmatched[0]?.notes, routes[0]?.timeout], [[note], [note], 2000])
  assert.deepEqual(described('').unmatched[0]?.notes, [])
})

test('the structure of a rule is kept for programs', () => {
  const [route] = described(
    rules('  - match: { path: { exact: /a } }\n    timeout: 2s\n    retry: { retries: 0 }\n'),
  ).routes
  assert.deepEqual(route, {
    name: 'rule-1',
    port: 'main',
    match: 'path /a',
    goes: 'to payments/main',
    timeout: 2000,
    retry: { retries: 0 },
    rule: { match: { path: { exact: '/a' } }, timeout: 2000, retry: { retries: 0 } },
    inEffect: true,
    notes: [],
    from: 'mesh.yaml:8',
  })
})
