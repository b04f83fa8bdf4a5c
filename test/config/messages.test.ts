import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../common/problem.js'
import { ConfigLoader } from '../../controlplane/config/load.js'

function told(text: string): readonly string[] {
  const files = [{ shown: 'f.yaml', text }]
  const { loaded } = new ConfigLoader().load({ files, hidden: [], problems: [] }, 0)
  return loaded.problems.map((problem) => formatProblem(problem).replace('f.yaml:', ''))
}

const rule = (text: string) => `kind: route\nservice: a\nrules:\n  - ${text}\n`
const service = (text: string) => `kind: service\nservice: a\n${text}\n`

/** What people write by mistake, and all that they are told, to the letter. */
const MESSAGES: readonly (readonly [string, string, ...string[]])[] = [
  [
    'a misspelt key',
    rule('retyr: { retries: 1 }'),
    '4:5: rules[0].retyr: unknown key `retyr` (did you mean `retry`?) [MSH0201]',
  ],
  [
    'a key in snake case',
    rule('retry: { per_try: 1s }'),
    '4:14: rules[0].retry.per_try: unknown key `per_try` (did you mean `perTry`?) [MSH0201]',
  ],
  [
    'a key one level too high',
    rule('retries: 3'),
    '4:5: rules[0].retries: unknown key `retries` (did you mean `retry.retries`?) [MSH0201]',
  ],
  ['a key like no other', rule('zzz: 3'), '4:5: rules[0].zzz: unknown key `zzz` [MSH0201]'],
  [
    'a misspelt key that is needed is one mistake',
    'kind: route\nsevice: a\nrules: [{}]\n',
    '2:1: sevice: unknown key `sevice` (did you mean `service`?) [MSH0201]',
  ],
  [
    'a duration without unit',
    rule('timeout: 5'),
    '4:5: rules[0].timeout: 5 is not a duration (write a unit: "5s" or "5ms") [MSH0207]',
  ],
  [
    'a misspelt word in place of a duration',
    rule('timeout: Off'),
    '4:5: rules[0].timeout: "Off" is not a duration (did you mean off?) [MSH0207]',
  ],
  [
    'a duration with a space',
    rule('timeout: 2 s'),
    '4:5: rules[0].timeout: "2 s" is not a duration (write "2s") [MSH0207]',
  ],
  ['a key without a value', service('retry:'), '3:1: retry: has no value (give it one or remove the key) [MSH0203]'],
  [
    'a version that YAML reads as a number',
    service('subsets: { v1: { labels: { version: 1.10 } } }'),
    '3:28: subsets.v1.labels.version: must be text, not 1.1 (put it in quotes: "1.10") [MSH0203]',
  ],
  [
    'a number in quotes',
    rule('respond: { status: "503" }'),
    '4:16: rules[0].respond.status: must be a number, not text (remove the quotes: 503) [MSH0203]',
  ],
  [
    'a fraction',
    rule('retry: { retries: 1.5 }'),
    '4:14: rules[0].retry.retries: must be a whole number, not 1.5 [MSH0203]',
  ],
  [
    'a number out of range',
    rule('retry: { retries: 11 }'),
    '4:14: rules[0].retry.retries: 11 is out of range: must be at most 10 [MSH0206]',
  ],
  [
    'a map for a list',
    'kind: route\nservice: a\nrules: {}\n',
    '3:1: rules: must be a list, not a map (start each entry of the list with "- ") [MSH0203]',
  ],
  ['an empty list', 'kind: route\nservice: a\nrules: []\n', '3:1: rules: must have at least 1 entry [MSH0206]'],
  [
    'text for a map',
    rule('match: /a'),
    '4:5: rules[0].match: must be a map or a list, not text (write a map with some of its keys: path, method, headers, query, cookies, authority, …) [MSH0203]',
  ],
  ['a missing key', 'kind: route\nrules: [{}]\n', '1:1: `service` is missing [MSH0204]'],
  [
    'a word that is none of those allowed',
    'kind: mesh\nauthorization: denny\n',
    '2:1: authorization: "denny" is not one of: allow, deny (did you mean deny?) [MSH0205]',
  ],
  [
    'a word like none of those allowed',
    'kind: mesh\nauthorization: 7\n',
    '2:1: authorization: 7 is not one of: allow, deny (write allow or deny) [MSH0205]',
  ],
  [
    'the deepest branch of a union',
    rule('match: [{ path: { exat: /a } }]'),
    '4:23: rules[0].match[0].path.exat: unknown key `exat` (did you mean `exact`?) [MSH0201]',
  ],
  [
    'the branch that knows the key but not yet its meaning',
    rule('match: { headers: { x-a: { contains: b } } }'),
    '4:32: rules[0].match.headers.x-a.contains: `contains` is not supported yet (remove the key: nothing of it would be in effect) [MSH0202]',
  ],
  [
    'a header in capitals',
    rule('match: { headers: { X-A: present } }'),
    '4:25: rules[0].match.headers.X-A: write header names in lower case [MSH0205]',
  ],
  [
    'a regular expression that RE2 refuses',
    rule('match: { headers: { x-a: { regex: "(?=a)" } } }'),
    '4:32: rules[0].match.headers.x-a.regex: "(?=a)" is not a regular expression of RE2: error parsing regexp: invalid or unsupported Perl syntax: `(?=` (RE2 knows no look-ahead, look-behind and back references; it matches the whole value) [MSH0224]',
  ],
  [
    'weights of zero',
    rule('split: [{ subset: a, weight: 0 }]'),
    '4:5: rules[0].split: all weights are zero (give one of them a weight) [MSH0221]',
  ],
  [
    'two actions',
    rule('to: {}\n    respond: { status: 200 }'),
    '5:5: rules[0].respond: to and respond exclude each other (keep one of them) [MSH0220]',
  ],
  [
    'a path without a form',
    rule('match: { path: {} }'),
    '4:14: rules[0].match.path: a path is matched in exactly one way (write { exact: /a } or { prefix: /a/ }) [MSH0220]',
  ],
  ['a tab', 'kind: mesh\n\ttls: strict\n', '2:1: a tab indents the line (indent with spaces) [MSH0111]'],
  ['a key twice', 'kind: mesh\ntls: strict\ntls: strict\n', '3:1: key `tls` stands twice in one map [MSH0112]'],
  ['a prototype', 'kind: mesh\n__proto__: { tls: off }\n', '2:1: `__proto__` is never a key [MSH0116]'],
  ['a merge key', 'kind: mesh\n<<: {}\n', '2:1: `<<` (merge) is not part of YAML 1.2 (write the keys out) [MSH0116]'],
  [
    'a bracket that is not closed',
    'kind: mesh\ntls: [\n',
    '3:1: not YAML: the line is indented unlike those that it belongs to (align the keys of one map and the dashes of one list, and close brackets and quotes before it; " #" starts a comment) [MSH0110]',
  ],
  [
    'a template placeholder',
    'kind: mesh\n{{ tls }}: strict\n',
    '2:1: a key must be plain text (template placeholders such as {{ name }} are not filled in here) [MSH0116]',
  ],
  [
    'a tag',
    'kind: mesh\ntls: !secret strict\n',
    '2:6: YAML tags are not part of the language (remove the tag) [MSH0117]',
  ],
  [
    'YAML 1.1',
    '%YAML 1.1\n---\nkind: mesh\n',
    '2:1: YAML directives are not part of the language (remove the line that starts with "%") [MSH0117]',
  ],
  [
    'a number of aliases',
    `kind: mesh\na: &a 1\nb: [${'*a, '.repeat(65)}]\n`,
    '3:261: more than 64 aliases in one document [MSH0114]',
  ],
  ['a misspelt kind', 'kind: rotue\n', '1:1: kind: unknown kind rotue (did you mean route?) [MSH0209]'],
  [
    'a kind to come',
    'kind: gateway\n',
    '1:1: kind: kind gateway is not supported yet (remove the document: nothing of it would be in effect) [MSH0202]',
  ],
  ['no map', '- kind: mesh\n', '1:1: a document is a map (start with kind: …) [MSH0211]'],
  [
    "Istio's document",
    'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: a }\n',
    '1:1: apiVersion: this is a document for Istio (write kind: service (subsets, timeouts, loadBalancing); `mesh import` is not available yet) [MSH0210]',
  ],
  [
    "Consul's document",
    'Kind: service-intentions\nName: a\n',
    '1:1: Kind: this is a document for Consul (write kind: authorization; `mesh import` is not available yet) [MSH0210]',
  ],
  [
    "Kuma's document",
    'type: MeshTimeout\nmesh: default\n',
    '1:1: type: this is a document for Kuma (write kind: service (timeouts); `mesh import` is not available yet) [MSH0210]',
  ],
  [
    'an unreachable rule',
    rule('{}\n  - timeout: 1s'),
    '5:5: rules[1]: never reached: rule 1 matches every request [MSH0223]',
  ],
]

for (const [name, text, ...want] of MESSAGES) {
  test(`${name}: ${want.length === 1 ? 'told once' : 'told'} with place and remedy`, () =>
    assert.deepEqual(told(text), want))
}

test('what an alias brings in is located at its anchor', () => {
  const text = 'kind: route\nservice: a\nrules:\n  - retry: &r { retyr: 1 }\n  - retry: *r\n'
  assert.deepEqual(
    told(text).map((line) => line.slice(0, 21)),
    ['4:17: rules[0].retry.r', '4:17: rules[1].retry.r'].map((line) => line.slice(0, 21)),
  )
})

test('a thousand mistakes are told as the first twenty', () => {
  assert.equal(told(rule(`{ ${Array.from({ length: 1000 }, (_, index) => `q${index}: 1`).join(', ')} }`)).length, 20)
})
