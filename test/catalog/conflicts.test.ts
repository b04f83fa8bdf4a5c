import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../common/problem.js'
import { meshFrom } from '../mesh/inputs.js'

/** What is said of a host that runs these services, beside a healthy one that must not be harmed. */
function found(services: string, more = ''): readonly string[] {
  const { mesh, problems } = meshFrom(`
web-1:
  address: 10.0.0.1
  services: ${services}
other-1:
  address: 10.0.0.2
  services: { other: { port: 8080 } }
${more}`)
  assert.ok(mesh.ports.has('other/main'), 'the other host is harmed')
  return problems.map(formatProblem)
}

test("a service on Envoy's own port is left out, with its place, and the others of the host stay", () => {
  const { mesh, problems } = meshFrom(
    'web-1: { address: 10.0.0.1, services: { web: { port: 15006 }, api: { port: 8080 } } }',
  )
  assert.deepEqual([...mesh.ports.keys()], ['api/main'])
  const [problem, ...rest] = problems.map(formatProblem)
  assert.match(
    problem ?? '',
    /^web-1:services\.d\/web\.yaml:1:1: port main of web is 15006, where Envoy of web-1 has its inbound listener.*MSH0408\]$/,
  )
  assert.deepEqual(rest, [])
})

test('two services on one port of a host both stay, and it is said', () => {
  const [problem, ...rest] = found('{ web: { port: 8080 }, api: { port: 8080 } }')
  assert.match(problem ?? '', /^web-1:services\.d\/api\.yaml:1:1: api has port 8080, and so has web .*MSH0409\]$/)
  assert.deepEqual(rest, [])
})

test('two hosts at one address are told, both by name', () => {
  const clone = 'clone-1:\n  address: 10.0.0.1\n  services: { web: { port: 8080 } }\n'
  const [problem, ...rest] = found('{ web: { port: 8080 } }', clone)
  assert.match(
    problem ?? '',
    /^web-1:agent\.yaml:1:1: web-1 says that others reach it at 10\.0\.0\.1:15006, and so does clone-1;.*MSH0410\]$/,
  )
  assert.deepEqual(rest, [])
})

const UPSTREAMS: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'another upstream has',
    '127.0.0.1, port: 9000',
    '127.0.0.1, port: 9000',
    /where the upstream of api for other \(services\.d\/api\.yaml:1\) is/,
  ],
  [
    'an application of the host has',
    '10.0.0.1, port: 8080',
    '127.0.0.1, port: 9000',
    /where the application of web is/,
  ],
  [
    "Envoy's inbound listener has",
    '10.0.0.1, port: 15006',
    '127.0.0.1, port: 9000',
    /where Envoy's own inbound listener/,
  ],
]

for (const [name, second, first, want] of UPSTREAMS) {
  test(`an upstream at an address that ${name} is left out`, () => {
    const api = `{ port: 8081, upstreams: [{ service: other, address: ${first} }] }`
    const web = `{ port: 8080, upstreams: [{ service: other, address: ${second} }] }`
    const [problem, ...rest] = found(`{ api: ${api}, web: ${web} }`)
    assert.match(problem ?? '', want)
    assert.match(problem ?? '', /^web-1:services\.d\/web\.yaml:1:1: .*MSH0411\]$/)
    assert.deepEqual(rest, [])
  })
}

test('two services that want one Unix socket are told, with both places', () => {
  const upstreams = 'upstreams: [{ service: other, socket: /run/mesh-envoy/upstreams/api/a.sock }]'
  const [problem, ...rest] = found(`{ api: { port: 8081, ${upstreams} }, web: { port: 8080, ${upstreams} } }`)
  assert.match(
    problem ?? '',
    /^web-1:services\.d\/web\.yaml:1:1: .* is to be at unix:\/run\/mesh-envoy\/upstreams\/api\/a\.sock, where the upstream of api for other \(services\.d\/api\.yaml:1\) is.*MSH0411\]$/,
  )
  assert.deepEqual(rest, [])
})

test('a service with the name of the domain works, and it is said how it is called', () => {
  const [problem, ...rest] = found('{ mesh: { port: 8080 } }')
  assert.match(problem ?? '', /the service mesh has the name of the domain; it is called as mesh\.mesh \[MSH0412\]$/)
  assert.deepEqual(rest, [])
})
