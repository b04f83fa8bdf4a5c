import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FileSet } from '../../common/config/file-set.js'
import type { LastGood } from '../../common/config/last-good.js'
import { ConfigLoader, type LoadedConfig } from '../../controlplane/config/load.js'

type Files = Readonly<Record<string, string | undefined>>

const setOf = (files: Files, hidden: readonly string[] = [], absent: readonly string[] = []): FileSet => ({
  files: Object.entries(files).map(([shown, text]) => ({ shown, text })),
  hidden,
  absent,
  problems: [],
})

const route = (service: string, timeout: string) =>
  `kind: route\nservice: ${service}\nrules:\n  - timeout: ${timeout}\n`
const allow = (service: string, caller: string) =>
  `kind: authorization\nservice: ${service}\nallow:\n  - from: { services: [${caller}] }\n`

/** What is in effect, in short. */
function summary({ config }: LoadedConfig) {
  const routes = [...config.routes].flatMap(([service, ports]) =>
    [...ports].map(([port, { value }]) => `${service}${port}=${String(value.rules[0]?.timeout)}`),
  )
  const callers = config.authorizations.flatMap(({ value }) =>
    (value.allow ?? []).map(({ from }) => `${value.service}<${String(from?.services)}`),
  )
  return [...routes, ...callers]
}

const errors = ({ problems }: LoadedConfig) =>
  problems.filter(({ severity }) => severity === 'error').map(({ file, line, code }) => `${file}:${line} ${code}`)

/** Loads one state of the files after the other; `restart` goes through JSON as the disk would. */
class Session {
  #loader = new ConfigLoader()
  #lastGood: LastGood = new Map()
  #now = 0

  load(files: Files, hidden: readonly string[] = [], absent: readonly string[] = []): LoadedConfig {
    this.#now += 60_000
    const { loaded, lastGood } = this.#loader.load(setOf(files, hidden, absent), this.#now)
    this.#lastGood = lastGood
    return loaded
  }

  restart(): void {
    this.#loader = new ConfigLoader(new Map(JSON.parse(JSON.stringify([...this.#lastGood]))))
  }
}

type Held = readonly [string, Files, Files, readonly string[], readonly string[]]

/** Each case: a good state, a faulty one, what is then in effect and what is an error; run with and without a restart. */
const held: readonly Held[] = [
  [
    'a syntax error holds the whole file, and the file beside it changes',
    { a: `${route('x', '1s')}---\n${route('y', '1s')}`, b: route('z', '1s') },
    { a: `${route('x', '2s')}---\n${route('y', '2s')}  - [\n`, b: route('z', '2s') },
    ['x=1000', 'y=1000', 'z=2000'],
    ['a:11 MSH0110'],
  ],
  [
    'a semantic error holds its document and not the others of the file',
    { a: `${route('x', '1s')}---\n${route('y', '1s')}` },
    { a: `# a new line\n${route('x', '2')}---\n${route('y', '2s')}` },
    ['x=1000', 'y=2000'],
    ['a:5 MSH0207'],
  ],
  [
    'a typo in the kind holds the document',
    { a: `${route('x', '1s')}---\n${route('y', '1s')}` },
    { a: `${route('x', '2s').replace('route', 'rotue')}---\n${route('y', '2s')}` },
    ['x=1000', 'y=2000'],
    ['a:1 MSH0209'],
  ],
  [
    'a broken authorization document keeps the door shut, although lines moved and another one beside it changed',
    { a: `${allow('x', 'web')}---\n${allow('x', 'batch')}` },
    { a: `# moved\n# down\n${allow('x', 'shop')}---\n${allow('x', 'batch').replace('services', 'servcies')}` },
    ['x<shop', 'x<batch'],
    ['a:11 MSH0201'],
  ],
  ...(
    [
      ['an emptied file keeps the door shut', ''],
      [
        'a file of which only comments and marks are left keeps the door shut',
        '# kind: authorization\n---\n---\n# end\n',
      ],
    ] as const
  ).map(
    ([name, left]): Held => [
      name,
      { a: `${allow('x', 'web')}---\n${route('y', '1s')}`, b: route('z', '1s') },
      { a: left, b: route('z', '2s') },
      ['y=1000', 'z=2000', 'x<web'],
      ['a:1 MSH0109'],
    ],
  ),
  ...(
    [
      ['kind: auth', 'MSH0209'],
      ['kin', 'MSH0211'],
      ['kind: authorization', 'MSH0204 MSH0220'],
      ['kind: authorization\nservice: payments', 'MSH0204'],
      ['kind: authorization\nservice: pay', 'MSH0204'],
    ] as const
  ).map(
    ([left, code]): Held => [
      `a file cut to ${JSON.stringify(left)} keeps the door shut`,
      { a: allow('payments', 'a-caller-with-a-long-name-so-that-hardly-half-of-the-text-is-left') },
      { a: left },
      ['payments<a-caller-with-a-long-name-so-that-hardly-half-of-the-text-is-left'],
      code.split(' ').map((one) => `a:1 ${one}`),
    ],
  ),
  ['an unreadable file keeps what it had', { a: route('x', '1s') }, { a: undefined }, ['x=1000'], []],
  [
    'a deleted document is gone, although another one of the file is broken',
    { a: `${route('x', '1s')}---\n${route('y', '1s')}` },
    { a: route('y', '2') },
    ['y=1000'],
    ['a:4 MSH0207'],
  ],
]

for (const [name, good, faulty, effect, wrong] of held) {
  for (const restart of [false, true]) {
    test(`${name}${restart ? ', also over a restart' : ''}`, () => {
      const session = new Session()
      session.load(good)
      const loads = [session.load(faulty)]
      if (restart) {
        session.restart()
        loads.push(session.load(faulty))
      }
      for (const loaded of loads) {
        assert.deepEqual(summary(loaded), effect)
        assert.deepEqual(errors(loaded), wrong)
      }
      const notes = loads.map(({ problems }) => problems.filter(({ code }) => code === 'MSH0106'))
      assert.match(notes[0]?.[0]?.message ?? '', /still in effect as of 1970-01-01T00:01:00\.000Z$/)
      assert.deepEqual(notes.at(-1), notes[0])
    })
  }
}

test('files below a directory that cannot be listed after a restart keep what they had', () => {
  const session = new Session()
  session.load({ 'routes.d/team/a.yaml': route('x', '1s'), 'routes.d/b.yaml': route('y', '1s') })
  session.restart()
  assert.deepEqual(summary(session.load({ 'routes.d/b.yaml': route('y', '2s') }, ['routes.d/team'])), [
    'x=1000',
    'y=2000',
  ])
  assert.deepEqual(summary(session.load({ 'routes.d/b.yaml': route('y', '2s') })), ['y=2000'])
})

test('removing a file takes its documents out of effect, also when it was emptied before', () => {
  const session = new Session()
  session.load({ a: allow('x', 'web') })
  session.load({ a: '' })
  session.restart()
  assert.deepEqual(summary(session.load({ a: '' })), ['x<web'])
  const gone = session.load({})
  assert.deepEqual([summary(gone), gone.problems], [[], []])
})

test('a file that was empty from the beginning is a notice, and so is one whose document is put back and taken away', () => {
  const session = new Session()
  const told = ({ problems }: LoadedConfig) => problems.map(({ code, severity }) => `${code} ${severity}`)
  assert.deepEqual(told(session.load({ a: '' })), ['MSH0109 notice'])
  assert.deepEqual(told(session.load({ a: '# later\n' })), [])
  assert.deepEqual(told(session.load({ a: route('x', '1s') })), [])
  assert.deepEqual(told(session.load({})), [])
  assert.deepEqual(told(session.load({ a: '' })), ['MSH0109 notice'])
})

test('a document that is taken out of a file is gone, although another one became valid beside it', () => {
  const session = new Session()
  session.load({ a: `${route('x', '1s')}---\n${route('y', '1s')}` })
  session.load({ a: 'kin' })
  assert.deepEqual(summary(session.load({ a: route('y', '2s') })), ['y=2000'])
})

test('without anything good before, an invalid document is left out and the others are in effect', () => {
  assert.deepEqual(summary(new Session().load({ a: `${route('x', '5')}---\n${route('y', '1s')}` })), ['y=1000'])
})

test('of two routes for one service the first in the order of names counts at a cold start', () => {
  const loaded = new Session().load({ a: route('x', '1s'), b: `# second\n${route('x', '2s')}` })
  assert.deepEqual(summary(loaded), ['x=1000'])
  const [problem] = loaded.problems
  assert.deepEqual([problem?.file, problem?.line, problem?.code], ['b', 2, 'MSH0250'])
  assert.equal(problem?.message, 'route x stands in a:1 already; that one is in effect')
})

test('the route that was accepted first stays, also over restarts, and the other follows when it goes', () => {
  const session = new Session()
  const both = { a: route('x', '1s'), z: route('x', '2s') }
  session.load({ z: route('x', '2s') })
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(summary(session.load(both)), ['x=2000'])
    session.restart()
  }
  assert.deepEqual(summary(session.load({ a: route('x', '1s') })), ['x=1000'])
})

test('a copy within the same file does not replace the accepted document either', () => {
  const session = new Session()
  session.load({ a: route('x', '1s') })
  assert.deepEqual(summary(session.load({ a: `${route('x', '2s')}---\n${route('x', '1s')}` })), ['x=1000'])
})

test('routes for different ports, and several authorization documents, stand beside each other', () => {
  const loaded = new Session().load({
    a: `${route('x', '1s')}---\n${route('x', '2s')}port: admin\n---\n${allow('x', 'a')}---\n${allow('x', 'b')}`,
    b: allow('x', 'c'),
  })
  assert.deepEqual(summary(loaded), ['x=1000', 'xadmin=2000', 'x<a', 'x<b', 'x<c'])
  assert.deepEqual(loaded.problems, [])
})

test('a second mesh document is an error', () => {
  const loaded = new Session().load({ a: 'kind: mesh\nauthorization: deny\n', b: 'kind: mesh\n' })
  assert.equal(loaded.config.mesh?.value.authorization, 'deny')
  assert.deepEqual(errors(loaded), ['b:1 MSH0250'])
})

test('a document that did not change is the same object, although its file did; one that moved knows its new line', () => {
  const session = new Session()
  const get = (loaded: LoadedConfig, service: string) => loaded.config.routes.get(service)?.get('')
  const first = session.load({ a: `${route('x', '1s')}---\n${route('y', '1s')}`, b: route('z', '1s') })
  const second = session.load({ a: `${route('x', '1s')}---\n${route('y', '2s')}`, b: route('z', '1s') })
  assert.equal(get(second, 'x'), get(first, 'x'))
  assert.equal(get(second, 'z'), get(first, 'z'))
  assert.notEqual(get(second, 'y'), get(first, 'y'))
  const third = session.load({ a: `# more\n${route('x', '1s')}---\n${route('y', '2s')}`, b: '' })
  assert.equal(get(third, 'x')?.location.line, 2)
  const broken = session.load({ a: '[', b: '' })
  assert.equal(get(broken, 'x'), get(third, 'x'))
})

test('what is kept grows with the documents and not with the square of them', () => {
  const loader = new ConfigLoader()
  const text = Array.from({ length: 1000 }, (_, index) => route(`s${index}`, '1s')).join('---\n')
  const { lastGood } = loader.load(setOf({ a: text }), 0)
  assert.ok(JSON.stringify([...lastGood]).length < 3 * text.length)
})

test('the time of a held document is when that document took effect, whatever happened to others of its file', () => {
  const session = new Session()
  session.load({ a: `${route('x', '1s')}---\n${route('y', '1s')}` })
  session.load({ a: `${route('x', '1s')}---\n${route('y', '2s')}` })
  const { problems } = session.load({ a: `${route('x', '1')}---\n${route('y', '3')}` })
  assert.deepEqual(
    problems.filter(({ code }) => code === 'MSH0106').map(({ message }) => message),
    [
      'route x is still in effect as of 1970-01-01T00:01:00.000Z',
      'route y is still in effect as of 1970-01-01T00:02:00.000Z',
    ],
  )
})

test('a directory that is gone is named and what was in it stays, also over a restart; an empty one takes it away', () => {
  const session = new Session()
  const files = { 'mesh.d/a': route('x', '1s'), 'other.d/b': route('y', '1s') }
  session.load(files)
  for (const restart of [false, true]) {
    if (restart) session.restart()
    const gone = session.load({ 'other.d/b': route('y', '2s') }, [], ['mesh.d', 'never-made.d'])
    assert.deepEqual(summary(gone), ['x=1000', 'y=2000'])
    assert.deepEqual(errors(gone), ['mesh.d:1 MSH0101'])
  }
  assert.deepEqual(summary(session.load({ 'other.d/b': route('y', '2s') })), ['y=2000'])
})
