import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readYaml } from '../../common/config/yaml.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { CORPUS } from './corpus.js'
import { cpuTimeOf } from './cpu-time.js'

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

for (const [name, text] of Object.entries(BOMBS)) {
  test(`a mebibyte of ${name} is refused, or read, within a second`, () => {
    const read = () =>
      new ConfigLoader().load({ files: [{ shown: 'a.yaml', text }], hidden: [], problems: [] }, 0).loaded
    let loaded = new ConfigLoader().load({ files: [], hidden: [], problems: [] }, 0).loaded
    const first = cpuTimeOf(() => {
      loaded = read()
    })
    const took = first < 1_000 ? first : Math.min(cpuTimeOf(read), cpuTimeOf(read))
    assert.ok(took < 1_000, `took ${took} ms`)
    assert.ok(loaded.documents === 0 && loaded.problems.length <= 21)
    for (const { message, hint = '' } of loaded.problems)
      assert.ok(message.length + hint.length < 2_000, message.slice(0, 200))
  })
}

test('every prefix of a good file is read without a crash', () => {
  for (const text of Object.values(CORPUS).flat()) {
    for (let length = 0; length <= text.length; length++) readYaml('a.yaml', text.slice(0, length))
  }
})
