import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpretService } from '../../agent/service-file.js'
import { readYaml } from '../../common/config/yaml.js'
import { interpretDocument } from '../../controlplane/config/interpret.js'

const control = (document: string) =>
  readYaml('f.yaml', document).documents.flatMap((one) => interpretDocument(one).problems)
const host = (document: string) =>
  readYaml('f.yaml', document).documents.flatMap((one) => interpretService(one).problems)

const service = (inner: string) => `{ kind: service, service: a, ${inner} }`
const rule = (inner: string) => `{ kind: route, service: a, rules: [{ ${inner} }] }`
const match = (inner: string) => rule(`match: { ${inner} }`)
const allow = (inner: string) => `{ kind: authorization, service: a, allow: [{ ${inner} }] }`
const onHost = (inner: string) => `{ service: a, port: 80, ${inner} }`

const each = (wrap: (inner: string) => string, keys: string, value = '{}') =>
  keys.split(' ').map((key) => wrap(`${key}: ${value}`))

/** Every key and word of the design's language that the schemas of this version do not take. */
const DOCUMENTS: readonly string[] = [
  ...each((inner) => `{ kind: mesh, ${inner} }`, 'defaults accessLog tracing'),
  '{ kind: mesh, tls: permissive }',
  '{ kind: mesh, tls: off }',
  '{ kind: mesh, visibility: declared }',
  '{ kind: mesh, outbound: any }',
  ...each(service, 'owners outside speaksFirst tls ports connections outlier healthCheck failover inbound rateLimit'),
  ...each(service, 'authentication accessLog tracing'),
  service('protocol: tls'),
  service('subsets: { v1: { labels: { a: b }, onlyPassing: true } }'),
  ...each((inner) => service(`timeouts: { ${inner} }`), 'idle streamIdle maxStream maxConnection grpcDeadline', '1s'),
  ...['random', 'ring-hash', 'maglev'].map((policy) => service(`loadBalancing: { policy: ${policy} }`)),
  ...each(
    (inner) => service(`loadBalancing: { ${inner} }`),
    'choiceCount hashOn ringSize tableSize slowStart locality panicThreshold',
  ),
  ...each(
    (inner) => service(`retry: { ${inner} }`),
    'perTryIdle headers backoff rateLimitedBackoff avoid hostAttempts grpc',
  ),
  '{ kind: route, service: a, hosts: [b.example.org], rules: [{}] }',
  ...each(rule, 'redirect headers hedge fault mirror cors websocket rateLimit hashOn buffer compress'),
  ...each(match, 'query cookies authority scheme from claims grpc websocket ports cidrs sni'),
  ...each((inner) => match(`path: { ${inner} }`), 'segments regex ignoreCase', '/a'),
  ...each(
    (inner) => match(`headers: { x-a: { ${inner} } }`),
    'prefix suffix contains range absent not ignoreCase',
    'true',
  ),
  match('headers: { x-a: absent }'),
  rule('split: [{ subset: a, headers: {} }]'),
  rule('respond: { status: 200, headers: {} }'),
  ...each((inner) => rule(`rewrite: { ${inner} }`), 'path regex host'),
  rule('timeout: { request: 1s }'),
  '{ kind: authorization, service: a, mode: learn }',
  '{ kind: authorization, service: a, external: {} }',
  allow('when: {}'),
  ...each((inner) => allow(`from: { services: [b], ${inner} }`), 'hosts identities cidrs not'),
  ...each((inner) => allow(`to: { ${inner} }`), 'ports hosts headers grpc'),
  ...each((inner) => allow(`to: { paths: [{ ${inner} }] }`), 'regex segments ignoreCase'),
  '{ kind: catalog, service: a, instances: [{ address: 10.0.0.1, port: 1 }], tls: {} }',
  '{ kind: catalog, service: a, instances: [{ address: db.example.org, port: 1 }] }',
  ...['gateway', 'extension', 'patch'].map((kind) => `{ kind: ${kind} }`),
]

const SERVICE_FILES: readonly string[] = [
  ...each(onHost, 'calls user unit plaintextPort protect certificateFiles'),
  onHost('protocol: tls'),
  ...each((inner) => onHost(`upstreams: [{ service: b, bind: "127.0.0.1:1", ${inner} }]`), 'allowUsers'),
]

const CASES = [
  ...DOCUMENTS.map((text) => [text, control] as const),
  ...SERVICE_FILES.map((text) => [text, host] as const),
]

for (const [document, judge] of CASES) {
  test(`is refused as not supported yet: ${document}`, () => {
    const problems = judge(document)
    const [first] = problems
    assert.equal(problems.length, 1, JSON.stringify(problems))
    assert.equal(first?.code, 'MSH0202')
    assert.match(`${first?.message} ${first?.hint}`, /not supported yet/)
  })
}
