import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../../common/memo/steps.js'
import { formatProblem } from '../../common/problem.js'
import { ConfigLoader } from '../../controlplane/config/load.js'
import { MeshMemo, meshSteps } from '../../controlplane/mesh/build.js'
import { unmatchedNames } from '../../controlplane/mesh/unmatched.js'
import { NO_OFFSETS } from '../../controlplane/mesh/virtual-address.js'
import { cpuTimeOf } from '../config/cpu-time.js'
import { meshFrom, TRUST_DOMAIN } from './inputs.js'

const HOSTS = `
web-1: { address: 10.0.0.1, services: { web: {}, mixed: { ports: { http: { port: 80 }, bytes: { port: 90, protocol: tcp } } } } }
pay-1: { address: 10.0.0.2, services: { payments: { version: v1 }, ledger: { port: 5432, protocol: tcp } } }
`

const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ['a document without faults is reported with nothing', '{ kind: service, service: payments }', []],
  [
    'a route to a service that does not exist is located at the name',
    'kind: route\nservice: payments\nrules:\n  - split:\n      - { service: payments, weight: 1 }\n      - { service: paymnets, weight: 1 }\n',
    [
      'mesh.yaml:6:11: rules[0].split[1].service: there is no service paymnets (no host reports it and no catalog document names it) [MSH0301]',
    ],
  ],
  [
    'a route to a subset that does not exist says which there are',
    '{ kind: service, service: payments, subsets: { v1: { labels: { version: v1 } } } }\n---\nkind: route\nservice: payments\nrules:\n  - to: { subset: v2 }\n',
    ['mesh.yaml:6:11: rules[0].to.subset: payments has no subset v2 (it has v1) [MSH0303]'],
  ],
  [
    'a name that every JavaScript object has is no subset either',
    'kind: route\nservice: payments\nrules:\n  - to: { subset: constructor }\n',
    [
      'mesh.yaml:4:11: rules[0].to.subset: payments has no subset constructor (write subsets in { kind: service, service: payments }) [MSH0303]',
    ],
  ],
  [
    'a route to a port of another protocol says which ports there are',
    'kind: route\nservice: payments\nrules:\n  - to: { service: ledger }\n',
    ['mesh.yaml:4:11: rules[0].to.service: ledger has no port main that carries requests; it has main (tcp) [MSH0302]'],
  ],
  [
    'a route for a port that does not exist is located at the port',
    'kind: route\nservice: payments\nport: admin\nrules: [{ to: { service: web } }]\n',
    ['mesh.yaml:3:1: port: payments has no port admin; it has main [MSH0302]'],
  ],
  [
    'a document about a service that does not run waits for it',
    '{ kind: authorization, services: [payments, soon], allow: [] }',
    ['mesh.yaml:1:45: services[1]: there is no service soon now; the document waits for it [MSH0304]'],
  ],
  [
    'callers that are misspelt are told with the one that was meant, and so are patterns that match nothing',
    'kind: authorization\nservice: payments\nallow: [{ from: { services: [wbe, web, "*", later] } }]\ndeny: [{ from: { services: ["pau*", "mix*"] } }]\n',
    [
      'mesh.yaml:3:30: allow[0].from.services[0]: there is no service wbe now; what is said of it waits for one (did you mean web?) [MSH0311]',
      'mesh.yaml:3:45: allow[0].from.services[3]: there is no service later now; what is said of it waits for one [MSH0311]',
      'mesh.yaml:4:29: deny[0].from.services[0]: no service matches pau* now; what is said of it waits for one (did you mean pay*?) [MSH0311]',
    ],
  ],
  [
    'a host-policy names its hosts and services that are not there',
    'kind: host-policy\nhosts: [wbe-1, "pay-*", "*", "db-*"]\nservices: [web, paymets, "led*"]\n',
    [
      'mesh.yaml:2:9: hosts[0]: there is no host wbe-1 now; what is said of it waits for one (did you mean web-1?) [MSH0311]',
      'mesh.yaml:2:30: hosts[3]: no host matches db-* now; what is said of it waits for one [MSH0311]',
      'mesh.yaml:3:17: services[1]: there is no service paymets now; what is said of it waits for one (did you mean payments?) [MSH0311]',
    ],
  ],
  [
    'a subset without instances is a notice',
    'kind: service\nservice: payments\nsubsets:\n  v9: { labels: { version: v9 } }\n',
    [
      'mesh.yaml:4:3: subsets.v9: no instance of payments/main has these labels; requests for the subset get 503 [MSH0305]',
    ],
  ],
  [
    'weights for some destinations only are an error',
    'kind: route\nservice: payments\nrules:\n  - split: [{ service: payments, weight: 1 }, { service: web }]\n',
    [
      'mesh.yaml:4:5: rules[0].split: some destinations have a weight and others have none (give every destination of the split a weight) [MSH0307]',
    ],
  ],
  [
    'a request key in a route for a tcp port is located at the key',
    'kind: route\nservice: ledger\nrules:\n  - to: { service: ledger }\n    timeout: 2s\n',
    ['mesh.yaml:5:5: rules[0].timeout: not possible for the tcp port ledger/main: only to and split are [MSH0308]'],
  ],
  [
    'a route for all ports of a service with http and tcp ports is about the http one',
    'kind: route\nservice: mixed\nrules:\n  - timeout: 2s\n',
    [],
  ],
  [
    'a rule about requests is an error for a service that has only tcp',
    'kind: authorization\nservice: ledger\nallow:\n  - to: { methods: [GET] }\n',
    [
      'mesh.yaml:4:5: allow[0].to: the tcp port ledger/main has no requests to judge by methods and paths, so it grants nothing there (write a rule without `to` for tcp services) [MSH0309]',
    ],
  ],
  [
    'authorization of a service outside the mesh is an error',
    '{ kind: catalog, service: old, instances: [{ address: 10.0.0.9, port: 80 }] }\n---\n{ kind: authorization, service: old, allow: [] }\n',
    [
      'mesh.yaml:3:24: service: old is outside the mesh: it has no Envoy that could enforce this (give its hosts an agent, or protect it by other means) [MSH0310]',
    ],
  ],
  [
    'an instance outside the mesh gets nothing beside one inside',
    '{ kind: catalog, service: payments, instances: [{ address: 10.0.0.9, port: 80 }] }\n',
    [
      'mesh.yaml:1:49: payments@10.0.0.9:80 is outside the mesh and gets no requests: payments has instances in the mesh (give its host an agent, or remove the instance) [MSH0403]',
    ],
  ],
]

for (const [name, documents, want] of CASES) {
  test(name, () => {
    assert.deepEqual(meshFrom(HOSTS, documents).problems.map(formatProblem), want)
  })
}

test('a rule about requests is a notice where the service has an http port too, or all services are meant', () => {
  for (const service of ['mixed', '"*"']) {
    const { problems } = meshFrom(
      HOSTS,
      `{ kind: authorization, service: ${service}, deny: [{ to: { paths: [/x] } }] }`,
    )
    assert.ok(problems.length > 0)
    assert.deepEqual([...new Set(problems.map(({ code, severity }) => `${code} ${severity}`))], ['MSH0309 notice'])
  }
})

test('a declared upstream that leads nowhere is a notice at the host', () => {
  const hosts =
    'web-1: { address: 10.0.0.1, services: { web: { upstreams: [{ service: gone, address: 127.0.0.1, port: 1 }] } } }'
  assert.deepEqual(meshFrom(hosts).problems.map(formatProblem), [
    'web-1:services.d/web.yaml:1:1: the upstream of web at 127.0.0.1:1 leads nowhere: there is no service gone [MSH0406]',
  ])
})

test('instances that disagree about the protocol: the first says it, the others are left out of the port', () => {
  const hosts = `
pay-1: { address: 10.0.0.1, services: { payments: { port: 8080 } } }
pay-2: { address: 10.0.0.2, services: { payments: { port: 8080, protocol: tcp } } }
`
  const { mesh, problems } = meshFrom(hosts)
  assert.deepEqual(
    problems.map(({ code, file }) => `${code} ${file}`),
    ['MSH0404 pay-2:services.d/payments.yaml'],
  )
  const port = mesh.ports.get('payments/main')
  assert.equal(port?.named.carriage, 'requests')
  assert.deepEqual(
    port.endpoints[0]?.endpoints.map(({ address }) => address.address),
    ['10.0.0.1'],
  )
  const decided = meshFrom(hosts, '{ kind: service, service: payments, protocol: tcp }')
  assert.deepEqual(decided.problems, [])
  assert.equal(decided.mesh.ports.get('payments/main')?.endpoints[0]?.endpoints.length, 2)
})

test('the notice about a caller or a host goes when it comes, with nothing else changed, and comes back when it goes', () => {
  const documents =
    '{ kind: authorization, service: web, allow: [{ from: { services: [late, "late*"] } }] }\n---\n{ kind: host-policy, hosts: [late-1], services: [late] }\n'
  const { config } = meshFrom(HOSTS, documents)
  const memo = new MeshMemo()
  const told = (hosts: string) => {
    const { catalog } = meshFrom(hosts, documents)
    const settings = { trustDomain: TRUST_DOMAIN, domain: 'mesh' }
    const { problems } = atOnce(meshSteps({ catalog, config, offsets: NO_OFFSETS, settings }, memo))
    return problems.map(({ code }) => code)
  }
  const four = ['MSH0311', 'MSH0311', 'MSH0311', 'MSH0311']
  assert.deepEqual(told(HOSTS), four)
  assert.deepEqual(told(`${HOSTS}late-1: { address: 10.0.0.9, services: { late: {} } }\n`), [])
  assert.deepEqual(told(HOSTS), four)
})

test('waiting for very many callers takes no time that is felt', () => {
  const names = Array.from({ length: 4000 }, (_, index) => `caller-number-${index}`)
  const [there, waited] = [names.slice(0, 2000), names.slice(2000)]
  const list = waited.map((name) => `${name}, "${name}-*"`).join(', ')
  const documents = `{ kind: authorization, service: web, allow: [{ from: { services: [${list}] } }] }`
  const { config } = new ConfigLoader().load(
    { files: [{ shown: 'a', text: documents }], hidden: [], problems: [] },
    0,
  ).loaded
  const spent = cpuTimeOf(() => assert.equal(unmatchedNames(config, there, []).length, 4000))
  assert.ok(spent < 2000, `${spent} ms`)
})
