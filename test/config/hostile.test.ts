import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readYaml } from '../../common/config/yaml.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { randomOf } from './random.js'

const CORPUS = [
  'kind: route\nservice: payments\nrules:\n  - name: canary\n    match: { path: { prefix: /v2/ }, headers: { x-a: { regex: "a+" } } }\n    split:\n      - { subset: v1, weight: 75 }\n      - { subset: v2, weight: 25 }\n    timeout: 2s\n    retry: { retries: 2, on: [reset, "503"] }\n',
  'kind: service\nservice: payments\nsubsets: &s\n  v1: { labels: { version: v1 } }\ntimeouts: { connect: 5s, request: off }\n---\nkind: mesh\nauthorization: deny\n',
  'kind: authorization\nservices: [a, b]\ndeny: []\nallow:\n  - from: { services: [web, "shop-*"] }\n    to: { methods: [POST], paths: [/charge, { prefix: /v2/ }] }\n',
  'kind: catalog\nservice: db\ninstances:\n  - { host: db-1, address: 10.0.9.5, port: 5432, labels: { role: primary }, weight: 100 }\n',
]

const PIECES = [
  '\t',
  '\n',
  ': ',
  '- ',
  '*s',
  '&s ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '---\n',
  '!!set ',
  '<<: ',
  '__proto__: ',
  '\0',
  '\u2028',
  '😀',
  '#',
  '|',
  '>',
  '%YAML 1.1\n',
  '.nan',
  '1e999',
  '0x1F',
  '~',
  'constructor: ',
  'toString: ',
  'null: ',
  '? ',
]

function mutate(text: string, random: () => number): string {
  const at = () => Math.floor(random() * (text.length + 1))
  const piece = () => PIECES[Math.floor(random() * PIECES.length)] ?? ''
  const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number]
  const way = random()
  if (way < 0.3) return text.slice(0, from) + piece() + text.slice(from)
  if (way < 0.5) return text.slice(0, from) + text.slice(to)
  if (way < 0.6) return text.slice(0, from)
  if (way < 0.75)
    return text.slice(0, from) + text.slice(from, to).repeat(1 + Math.floor(random() * 4)) + text.slice(to)
  if (way < 0.9) return text.slice(0, from) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(from + 1)
  return text.slice(0, from) + piece().repeat(Math.floor(random() * 100)) + text.slice(from)
}

test('ten thousand mutated files: no crash, none slow, each told within its lines, and the file beside them untouched', () => {
  const random = randomOf(20_261_124)
  const loader = new ConfigLoader()
  const beside = { shown: 'z.yaml', text: 'kind: route\nservice: steady\nrules: [{ timeout: 1s }]\n' }
  const started = performance.now()
  let slowest = 0
  let refused = 0
  let steady: unknown
  for (let count = 0; count < 10_000; count++) {
    let text = CORPUS[count % CORPUS.length] ?? ''
    for (let times = 1 + Math.floor(random() * 4); times > 0; times--) text = mutate(text, random)
    const before = performance.now()
    const { loaded } = loader.load({ files: [{ shown: 'a.yaml', text }, beside], hidden: [], problems: [] }, count)
    slowest = Math.max(slowest, performance.now() - before)
    if (loaded.problems.some(({ severity }) => severity === 'error')) refused++
    const lines = text.split('\n')
    for (const { file, line, column } of loaded.problems) {
      assert.equal(file, 'a.yaml')
      assert.ok(line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] ?? '').length + 1, text)
    }
    const route = loaded.config.routes.get('steady')?.get('')
    steady ??= route
    assert.ok(route !== undefined && route === steady, `number ${count}`)
  }
  assert.ok(refused > 5_000, `only ${refused} were refused`)
  assert.ok(slowest < 1_000, `one took ${slowest} ms`)
  assert.ok(performance.now() - started < 30_000)
  assert.equal(({} as { authorization?: unknown }).authorization, undefined)
})

const MIB = 1024 * 1024
const grow = (piece: string) => piece.repeat(MIB / piece.length)

/** Texts of one mebibyte that are slow in one way or another to a careless reader. */
const BOMBS: Readonly<Record<string, string>> = {
  'nested lists': grow('['),
  'nested dashes': grow('- '),
  'nested maps': grow('{a: '),
  'closing brackets': grow(']'),
  quotes: grow('"'),
  commas: `[${grow(',')}`,
  anchors: grow('&a '),
  aliases: grow('- *a\n'),
  documents: grow('---\na: 1\n'),
  directives: grow('%a\n'),
  'empty lines': grow('\n'),
  'one key many times': grow('k: 1\n'),
  'many keys': Array.from({ length: 45_000 }, (_, index) => `k${index}: 1`).join('\n'),
  'many unknown keys below a key': `kind: route\nservice: a\nrules:\n  - {${Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join(', ')}}`,
  'many faulty rules': `kind: route\nservice: a\nrules:\n${'  - { timeout: 5, retyr: 1 }\n'.repeat(10_000)}`,
  'many faulty unions': `kind: route\nservice: a\nrules:\n  - match:\n${'    - { path: /a }\n'.repeat(12_000)}`,
  // The same below the limit of tokens, so that all of it is composed.
  'commas that are composed': `[${','.repeat(240_000)}`,
  'quotes that are composed': '"'.repeat(240_000),
  'nested lists that are composed': '['.repeat(200_000),
  'labels used 64 times': `kind: service\nservice: a\nx: &x { ${Array.from({ length: 30_000 }, (_, index) => `k${index}: v`).join(', ')} }\nsubsets:\n${Array.from({ length: 64 }, (_, index) => `  s${index}: { labels: *x }\n`).join('')}`,
  'a long key': `${'k'.repeat(MIB - 10)}: 1`,
  'a long service name': `kind: route\nservice: ${'-'.repeat(MIB - 100)}a\nrules: [{}]\n`,
  'a long pattern': `kind: route\nservice: a\nrules: [{ match: { headers: { a: { regex: "${'(a*)*'.repeat(200_000)}" } } } }]`,
  'a pattern that expands':
    'kind: route\nservice: a\nrules: [{ match: { headers: { a: { regex: "((a{100}){100}){100}" } } } }]',
  'a list used 64 times': `kind: route\nservice: a\nx: &x [${'1, '.repeat(50_000)}]\nrules: [${'*x, '.repeat(64)}]\n`,
}

/** How long it keeps the processor, milliseconds: what else runs on the machine does not count. */
function cpuTimeOf(run: () => unknown): number {
  const before = process.cpuUsage()
  run()
  return process.cpuUsage(before).user / 1000
}

for (const [name, text] of Object.entries(BOMBS)) {
  test(`a mebibyte of ${name} is refused, or read, within a second`, () => {
    const read = () =>
      new ConfigLoader().load({ files: [{ shown: 'a.yaml', text }], hidden: [], problems: [] }, 0).loaded
    const loaded = read()
    const took = Math.min(cpuTimeOf(read), cpuTimeOf(read))
    assert.ok(took < 1_000, `took ${took} ms`)
    assert.ok(loaded.documents === 0 && loaded.problems.length <= 21)
    for (const { message, hint = '' } of loaded.problems)
      assert.ok(message.length + hint.length < 2_000, message.slice(0, 200))
  })
}

test('every prefix of a good file is read without a crash', () => {
  for (const text of CORPUS) {
    for (let length = 0; length <= text.length; length++) readYaml('a.yaml', text.slice(0, length))
  }
})
