import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { interpretService } from '../../agent/service-file.js'
import { agentSettings } from '../../agent/settings-schema.js'
import { jsonSchemas } from '../../cli/schemas.js'
import { validate } from '../../common/config/validate.js'
import { readYaml, type YamlDocument } from '../../common/config/yaml.js'
import { formatProblem, type Problem } from '../../common/problem.js'
import { interpretDocument } from '../../controlplane/config/interpret.js'
import { controlPlaneSettings } from '../../controlplane/settings-schema.js'
import { MISTAKES, NOT_FOR_A_SCHEMA } from './mistakes/all.js'
import type { Mistake } from './mistakes/mistake.js'

const READERS: Readonly<Record<Mistake['file'], (document: YamlDocument) => readonly Problem[]>> = {
  document: (document) => interpretDocument(document).problems,
  'service-file': (document) => interpretService(document).problems,
  agent: (document) => validate(document, agentSettings).problems,
  controlplane: (document) => validate(document, controlPlaneSettings).problems,
}

function judge({ file, text }: Pick<Mistake, 'file' | 'text'>): readonly Problem[] {
  const { documents, problems } = readYaml('a.yaml', text)
  const all = [...problems, ...documents.flatMap(READERS[file])]
  return all.filter(({ code }) => code !== 'MSH0252')
}

const problemsOf = (text: string) => judge({ file: 'document', text }).map(formatProblem)

test('more than a hundred mistakes are known, each by a name of its own', () => {
  assert.ok(MISTAKES.length > 100)
  assert.equal(new Set(MISTAKES.map(({ name }) => name)).size, MISTAKES.length)
})

for (const mistake of MISTAKES) {
  test(`${mistake.name}: told with its place and what to write`, () => {
    const [first] = judge(mistake)
    assert.ok(first !== undefined, 'nothing was found')
    assert.equal(`${first.line}:${first.column}`, mistake.place, formatProblem(first))
    assert.ok(`${first.message} (${first.hint})`.includes(mistake.says), formatProblem(first))
  })
}

const ajv = new Ajv({ strict: false })
const validators = new Map(Object.entries(jsonSchemas()).map(([name, schema]) => [name, ajv.compile(schema)]))

test('an independent validator refuses by the JSON Schema what a schema can express', () => {
  let refused = 0
  for (const mistake of MISTAKES) {
    const { documents, problems } = readYaml('a.yaml', mistake.text)
    if (problems.length > 0 || judge(mistake)[0]?.severity !== 'error') continue
    const accepted = documents.every(({ value }) => validators.get(mistake.file)?.(value) === true)
    assert.equal(accepted, NOT_FOR_A_SCHEMA.has(mistake.name), mistake.name)
    if (!accepted) refused++
  }
  assert.ok(refused > 60, `only ${refused}`)
})

/** Mistakes of a size or kind that no table holds. */
const BOMBS: readonly (readonly [string, string, RegExp])[] = [
  ['an alias bomb', `a: &a [x,x,x,x,x,x,x,x,x,x]\n${bomb()}`, /alias|values/],
  ['a depth bomb', `a: ${'['.repeat(100)}${']'.repeat(100)}\n`, /32/],
  ['a prototype', 'kind: mesh\n__proto__: { authorization: allow }\n', /:2:1: .*__proto__/],
  ['a map that has no text', 'kind: mesh\ntls: { toString: 1 }\n', /:2:8: `toString` is never a key/],
  ['a constructor', 'kind: mesh\nconstructor: { prototype: {} }\n', /:2:1: .*unknown key `constructor`/],
]

function bomb(): string {
  const names = [...'abcdefghi']
  return names
    .slice(1)
    .map((name, index) => `${name}: &${name} [${Array(10).fill(`*${names[index]}`).join(',')}]\n`)
    .join('')
}

for (const [name, text, want] of BOMBS) {
  test(`${name} is told`, () => {
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
