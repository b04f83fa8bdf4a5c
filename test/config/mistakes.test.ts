import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readYaml } from '../../common/config/yaml.js'
import { formatProblem } from '../../common/problem.js'
import { interpretDocument } from '../../controlplane/config/interpret.js'

function problemsOf(text: string): readonly string[] {
  const { documents, problems } = readYaml('routes.d/a.yaml', text)
  return [...problems, ...documents.flatMap((document) => interpretDocument(document).problems)].map(formatProblem)
}

/** What people write, and the line and words by which they find out. */
const MISTAKES: readonly (readonly [string, string, RegExp])[] = [
  [
    'a misspelt key',
    'kind: route\nservice: a\nrules:\n  - retri: {}\n',
    /^routes\.d\/a\.yaml:4:5: .*did you mean `retry`/,
  ],
  ['a misspelt kind', 'kind: rout\nservice: a\n', /:1:1: .*did you mean route/],
  ['an unknown kind', 'kind: banana\n', /:1:1: .*unknown kind banana/],
  ['no kind', 'hello: world\n', /:1:1: .*no `kind`/],
  ["a host's service file", 'service: web\nport: 80\n', /:1:1: .*services\.d/],
  ["Istio's document", 'apiVersion: networking.istio.io/v1\nkind: VirtualService\n', /:1:1: .*Istio/],
  ['a duration without a unit', 'kind: route\nservice: a\nrules:\n  - timeout: 5\n', /:4:5: .*"5s"/],
  ['a tab', 'kind: route\n\tservice: a\n', /:2:1: .*tab/i],
  ['a key twice', 'kind: mesh\nauthorization: allow\nauthorization: deny\n', /:3:1: .*authorization/],
  [
    'two actions',
    'kind: route\nservice: a\nrules:\n  - to: {}\n    respond: { status: 200 }\n',
    /:5:5: .*exclude each other/,
  ],
  ['weights of zero', 'kind: route\nservice: a\nrules:\n  - split: [{ weight: 0 }, { weight: 0 }]\n', /:4:5: .*zero/],
  [
    'a regular expression that RE2 refuses',
    'kind: route\nservice: a\nrules:\n  - match: { headers: { x-a: { regex: "(?=a)" } } }\n',
    /:4:\d+: .*RE2/,
  ],
  ['a number out of range', 'kind: route\nservice: a\nrules:\n  - respond: { status: 99 }\n', /:4:\d+: .*status/],
  ['a list where a map is meant', 'kind: route\nservice: a\nrules: {}\n', /:3:1: .*rules/],
  ['no service', 'kind: route\nrules: [{}]\n', /:1:1: .*service/],
  ['a service name in capitals', 'kind: route\nservice: Web\nrules: [{}]\n', /:2:1: .*DNS label/],
  [
    'the same rule name twice',
    'kind: route\nservice: a\nrules:\n  - { name: x, match: { method: [GET] } }\n  - { name: x }\n',
    /:5:7: .*x already/,
  ],
  [
    'a rule that is never reached',
    'kind: route\nservice: a\nrules:\n  - {}\n  - timeout: 1s\n',
    /:5:5: .*never reached/,
  ],
  ['neither service nor services', 'kind: authorization\nallow: []\n', /:1:1: .*exactly one of service and services/],
  [
    'two forms of one path',
    'kind: route\nservice: a\nrules:\n  - match: { path: { exact: /a, prefix: /b } }\n',
    /exactly one way/,
  ],
  ['a port that is none', 'kind: catalog\nservice: a\ninstances: [{ address: 10.0.0.1, port: 0 }]\n', /:3:\d+: .*port/],
  ['an alias bomb', `a: &a [x,x,x,x,x,x,x,x,x,x]\n${bomb()}`, /alias|values/],
  ['a depth bomb', `a: ${'['.repeat(100)}${']'.repeat(100)}\n`, /32/],
  ['a prototype', 'kind: mesh\n__proto__: { authorization: allow }\n', /__proto__/],
]

function bomb(): string {
  const names = [...'abcdefghi']
  return names
    .slice(1)
    .map((name, index) => `${name}: &${name} [${Array(10).fill(`*${names[index]}`).join(',')}]\n`)
    .join('')
}

for (const [name, text, want] of MISTAKES) {
  test(`${name} is told with its place and what to write`, () => {
    const problems = problemsOf(text)
    assert.ok(
      problems.some((problem) => want.test(problem)),
      problems.join('\n') || 'no problem was found',
    )
  })
}

/** Keys of the language that this version must refuse by name, and never as unknown or in silence. */
const NOT_YET: Readonly<Record<string, readonly string[]>> = {
  'kind: mesh\n': [
    'defaults: {}',
    'accessLog: {}',
    'tracing: {}',
    'tls: permissive',
    'visibility: declared',
    'outbound: any',
  ],
  'kind: service\nservice: a\n': [
    ...['owners', 'outside', 'tls', 'connections', 'outlier', 'healthCheck', 'failover', 'inbound', 'rateLimit'],
    ...['authentication', 'speaksFirst'],
  ].map((key) => `${key}: {}`),
  'kind: route\nservice: a\nrules:\n  - ': [
    ...['redirect', 'headers', 'hedge', 'fault', 'mirror', 'cors', 'websocket', 'rateLimit', 'hashOn', 'buffer'],
    'compress',
  ].map((key) => `${key}: {}`),
  'kind: route\nservice: a\nrules:\n  - match:\n      ': [
    ...['query', 'cookies', 'authority', 'scheme', 'from', 'claims', 'grpc', 'websocket'],
  ].map((key) => `${key}: {}`),
  'kind: authorization\nservice: a\n': ['external: {}', 'mode: learn'],
  'kind: authorization\nservice: a\nallow:\n  - ': [
    'when: {}',
    'from: { services: [b], cidrs: [10.0.0.0/8] }',
    'to: { ports: [x] }',
  ],
  'kind: catalog\nservice: a\ninstances: [{ address: 10.0.0.1, port: 1 }]\n': ['tls: { mode: simple }'],
  '': ['kind: gateway', 'kind: extension', 'kind: patch'],
}

for (const [before, keys] of Object.entries(NOT_YET)) {
  for (const key of keys) {
    test(`${JSON.stringify(before + key)} is not supported yet`, () => {
      const problems = problemsOf(`${before}${key}\n`)
      assert.ok(
        problems.some((problem) => problem.includes('not supported yet')),
        problems.join('\n') || 'taken in silence',
      )
    })
  }
}
