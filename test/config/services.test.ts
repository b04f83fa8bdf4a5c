import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PlacedService } from '../../agent/inbound-ports.js'
import { checkOf } from '../../agent/service-file.js'
import { refuseOwner, ServicesLoader, watchServices } from '../../agent/services.js'
import { agentSettings } from '../../agent/settings-schema.js'
import { Latest, waitFor } from '../../common/latest.js'
import { createLog } from '../../common/log.js'
import { formatProblem, type Problem } from '../../common/problem.js'

const setOf = (files: Readonly<Record<string, string>>) => ({
  files: Object.entries(files).map(([shown, text]) => ({ shown, text })),
  hidden: [],
  problems: [],
})

function load(text: string) {
  const { services, problems } = new ServicesLoader().load(setOf({ 'f.yaml': text }), 0)
  return { services, told: problems.map((problem) => formatProblem(problem).replace('f.yaml:', '')) }
}

test('two lines are a whole service; what was assumed is told with the line to write', () => {
  const { services, told } = load('service: web\nport: 8080\n')
  assert.deepEqual(services, [
    {
      service: 'web',
      ports: [{ name: 'main', port: 8080, protocol: 'http', assumed: true }],
      labels: {},
      tags: [],
      weight: 100,
      upstreams: [],
      check: undefined,
      location: { file: 'f.yaml', line: 1, column: 1 },
    },
  ])
  assert.deepEqual(told, [
    '2:1: port: no protocol given for port 8080; http is assumed (write protocol: http) [MSH0252]',
  ])
})

for (const port of [5432, 3306, 6379, 27017, 9092, 5672, 11211, 1433, 1521, 9042, 2181]) {
  test(`port ${port} is assumed to be tcp`, () => {
    assert.equal(load(`service: a\nport: ${port}\n`).services[0]?.ports[0]?.protocol, 'tcp')
  })
}

test('several ports keep their order and their protocols, and the version is a label', () => {
  const { services, told } = load(
    'service: a\nversion: v2\nlabels: { rack: r7 }\nports: { http: 80, admin: { port: 90, protocol: tcp }, db: 5432 }\nprotocol: http\n',
  )
  assert.deepEqual(
    services[0]?.ports.map(({ name, port, protocol, assumed }) => [name, port, protocol, assumed]),
    [
      ['http', 80, 'http', false],
      ['admin', 90, 'tcp', false],
      ['db', 5432, 'http', false],
    ],
  )
  assert.deepEqual(services[0]?.labels, { rack: 'r7', version: 'v2' })
  assert.deepEqual(told, [])
})

const checks: readonly (readonly [string, ReturnType<typeof checkOf>['check'] | 'kind', number])[] = [
  ['check: none', undefined, 80],
  ['check: { http: /healthz, interval: 1s }', 'kind', 80],
  ['check: { tcp: 81 }', 'kind', 81],
  ['check: { tcp: true }', 'kind', 80],
  ['check: { grpc: true }', 'kind', 80],
  ['check: { grpc: shop.Cart }', 'kind', 80],
  ['check: { grpc: { service: shop.Cart, port: 82 } }', 'kind', 82],
  ['check: { exec: [/usr/bin/true] }', 'kind', 80],
]

for (const [text, want, port] of checks) {
  test(`${text} is a check of port ${port}`, () => {
    const [service] = load(`service: a\nport: 80\nprotocol: http\n${text}\n`).services
    assert.ok(service !== undefined)
    const got = checkOf(service)
    assert.deepEqual([got.check === undefined, got.port], [want === undefined, port])
  })
}

const mistakes: readonly (readonly [string, string])[] = [
  ['service: a\n', '1:1: `port` is missing (write for example port: 8080) [MSH0220]'],
  [
    'service: a\nport: 1\nports: { b: 2 }\n',
    '3:1: ports: `port` and `ports` exclude each other (name all of them in ports) [MSH0220]',
  ],
  ['service: a\nprot: 1\n', '2:1: prot: unknown key `prot` (did you mean `port`?) [MSH0201]'],
  ['service: a\nport: 0\n', '2:1: port: 0 is out of range: must be at least 1 [MSH0206]'],
  [
    'service: A\nport: 1\n',
    '1:1: service: "A" is not a DNS label: lower-case letters, digits and "-", at most 63 (write a) [MSH0205]',
  ],
  [
    'service: a\nport: 1\ncheck: { interval: 1s }\n',
    '3:1: check: a check is exactly one of http, tcp, grpc, exec (write { http: /healthz } or { tcp: true }) [MSH0220]',
  ],
  [
    'service: a\nport: 1\ncheck: { exec: [check-web] }\n',
    '3:10: check.exec: the program is named by its whole path (write for example [/usr/local/bin/check-web, --quick]) [MSH0205]',
  ],
  ['service: a\nport: 1\ncheck: { exec: [] }\n', '3:10: check.exec: must have at least 1 entry [MSH0206]'],
  [
    'service: a\nport: 1\ncheck: { grpc: false }\n',
    '3:10: check.grpc: must be "true", text or a map, not false [MSH0203]',
  ],
  [
    'kind: service\nservice: a\n',
    '1:1: kind: documents with a kind belong on the control plane (move it there, or remove the line) [MSH0212]',
  ],
]

const socketMistakes: readonly (readonly [string, string])[] = [
  [
    'bind: unix:/run/cache.sock',
    'bind: the sockets of web are files of /run/mesh-envoy/upstreams/web, where nobody else can make any (write unix:/run/mesh-envoy/upstreams/web/cache.sock) [MSH0205]',
  ],
  [
    'bind: unix:/run/mesh-envoy/upstreams/other/cache.sock',
    'bind: the sockets of web are files of /run/mesh-envoy/upstreams/web, where nobody else can make any (write unix:/run/mesh-envoy/upstreams/web/cache.sock) [MSH0205]',
  ],
  [
    'bind: unix:/run/mesh-envoy/upstreams/web/../other/cache.sock',
    'bind: the sockets of web are files of /run/mesh-envoy/upstreams/web, where nobody else can make any (write unix:/run/mesh-envoy/upstreams/web/cache.sock) [MSH0205]',
  ],
  [
    'bind: unix:/run/mesh-envoy/upstreams/web/..',
    'bind: the sockets of web are files of /run/mesh-envoy/upstreams/web, where nobody else can make any (write unix:/run/mesh-envoy/upstreams/web/name.sock) [MSH0205]',
  ],
  [
    'bind: unix:run/cache.sock',
    'bind: the path of a Unix socket starts with "/" (write unix:/run/cache.sock) [MSH0205]',
  ],
  [
    `bind: unix:/${'a'.repeat(107)}`,
    'bind: the path has 108 bytes, and a Unix socket may have 107 (choose a shorter name) [MSH0205]',
  ],
  ['bind: "127.0.0.1:5432", mode: "0660"', 'mode: `mode` is only for Unix sockets (leave it out) [MSH0220]'],
  ['bind: "127.0.0.1:5432", group: web', 'group: `group` is only for Unix sockets (leave it out) [MSH0220]'],
  [
    'bind: unix:/run/mesh-envoy/upstreams/web/a.sock, mode: 660',
    'mode: permissions stand in quotes: write for example "0660" [MSH0203]',
  ],
  [
    'bind: unix:/run/mesh-envoy/upstreams/web/a.sock, mode: "0888"',
    'mode: permissions are three octal digits: write for example "0660" [MSH0205]',
  ],
  ['bind: unix:/run/mesh-envoy/upstreams/web/a.sock, group: "a:b"', 'group: write the name of a group [MSH0205]'],
]

const withUpstream = (upstream: string) =>
  `service: web\nport: 80\nprotocol: http\nupstreams: [{ service: cache, ${upstream} }]\n`

for (const [upstream, want] of socketMistakes) {
  test(`an upstream with ${upstream.slice(0, 80)} is a mistake`, () => {
    const files = setOf({ f: withUpstream(upstream) })
    const { services, problems } = new ServicesLoader(new Map(), '/run/mesh-envoy/upstreams').load(files, 0)
    assert.deepEqual(services, [])
    assert.deepEqual(
      problems.map((problem) => formatProblem(problem).replace(/^f:4:\d+: upstreams\[0\]\./, '')),
      [want],
    )
  })
}

const SOCKET = 'bind: unix:/run/mesh-envoy/upstreams/web/a.sock'

for (const [upstream, mode, group] of [
  [SOCKET, 0o660, undefined],
  [`${SOCKET}, mode: "600"`, 0o600, undefined],
  [`${SOCKET}, mode: "0666", group: web`, 0o666, 'web'],
] as const) {
  test(`an upstream with ${upstream} is at a Unix socket with permissions ${mode.toString(8)}`, () => {
    const [service] = load(withUpstream(upstream)).services
    const bind = { kind: 'pipe', path: '/run/mesh-envoy/upstreams/web/a.sock', mode }
    assert.deepEqual(service?.upstreams, [{ service: 'cache', port: undefined, group, bind }])
  })
}

test('sockets may be below any run directory where the settings of the host are not known', () => {
  const { told } = load(withUpstream('bind: unix:/srv/envoy/upstreams/web/a.sock'))
  assert.deepEqual(told, [])
})

for (const [text, want] of mistakes) {
  test(`${JSON.stringify(text)} is a mistake`, () => assert.deepEqual(load(text), { services: [], told: [want] }))
}

test('the same instance twice on a host is an error that names both places; the one that was there stays', () => {
  const loader = new ServicesLoader()
  loader.load(setOf({ b: 'service: a\nport: 2\nprotocol: tcp\n' }), 0)
  const both = { a: 'service: a\nport: 2\nprotocol: tcp\nversion: v1\n', b: 'service: a\nport: 2\nprotocol: tcp\n' }
  const { services, problems } = loader.load(setOf(both), 0)
  assert.deepEqual(
    services.map(({ ports }) => ports[0]?.port),
    [2],
  )
  assert.deepEqual(problems.map(formatProblem), [
    'a:1:1: service: a:2 stands in b:1 already; several instances of a service differ in their first port (remove one of them) [MSH0250]',
  ])
})

test('a service whose file becomes invalid stays, also over a restart', () => {
  const first = new ServicesLoader()
  const { lastGood } = first.load(setOf({ a: 'service: a\nport: 1\n' }), 0)
  const again = new ServicesLoader(new Map(JSON.parse(JSON.stringify([...lastGood]))))
  const { services, problems } = again.load(setOf({ a: 'service: a\nport: one\n' }), 5)
  assert.deepEqual(
    services.map(({ service, ports }) => [service, ports[0]?.port]),
    [['a', 1]],
  )
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['MSH0106', 'MSH0203'],
  )
})

test('only root and the own user may own a service file, and nobody else may write it', () => {
  const judge = (uid: number, mode: number) => refuseOwner({ uid, mode }, 1000)?.message
  assert.equal(judge(0, 0o644), undefined)
  assert.equal(judge(1000, 0o600), undefined)
  assert.match(judge(1001, 0o600) ?? '', /belongs to user 1001/)
  assert.match(judge(0, 0o664) ?? '', /others than its owner/)
  assert.match(judge(0, 0o646) ?? '', /others than its owner/)
})

test('services follow their directory, and a file that others may write is a problem, named in the log, and changes nothing', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'services-'))
  const servicesDirectory = join(root, 'services.d')
  const lines = new Latest<readonly string[]>([])
  const settings = agentSettings.parse({ servicesDirectory, stateDirectory: join(root, 'state') })
  const services = new Latest<readonly PlacedService[]>([])
  const problems = new Latest<readonly Problem[]>([])
  const end = new AbortController()
  const log = createLog('info', (line) => lines.set([...lines.value, line]))
  const watching = watchServices(settings, { services, problems }, log)(end.signal)
  t.after(async () => {
    end.abort()
    await watching
    await rm(root, { recursive: true, force: true })
  })
  await mkdir(servicesDirectory)
  const put = async (text: string, mode: number) => {
    await writeFile(join(root, 'next'), text)
    await chmod(join(root, 'next'), mode)
    await rename(join(root, 'next'), join(servicesDirectory, 'a.yaml'))
  }
  const soon = AbortSignal.timeout(10_000)
  await put('service: a\nport: 80\nprotocol: http\n', 0o644)
  await waitFor(services, ([one]) => one?.ports[0]?.port === 80, soon)
  await put('service: a\nport: 6666\nprotocol: http\n', 0o666)
  await waitFor(lines, (all) => all.some((line) => line.includes('MSH0104')), soon)
  assert.deepEqual(
    problems.value.map(({ file, code }) => [file, code]),
    [['services.d/a.yaml', 'MSH0104']],
  )
  assert.equal(services.value[0]?.ports[0]?.port, 80)
  await put('service: a\nport: 81\nprotocol: http\n', 0o644)
  await waitFor(services, ([one]) => one?.ports[0]?.port === 81, soon)
  assert.deepEqual(problems.value, [])
})
