import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDescription } from '../../cli/commands/describe.js'
import { serviceId } from '../../common/identity.js'
import { CLUSTER, ROUTE } from '../../common/xds/types.js'
import type { HostRecord } from '../../controlplane/ca/host-record.js'
import type { Instance } from '../../controlplane/catalog/catalog.js'
import type { EnvoyFacts } from '../../controlplane/catalog/report.js'
import type { CloneAlarm } from '../../controlplane/catalog/session-claims.js'
import { TRUST_DOMAIN } from '../mesh/inputs.js'
import { describedFrom } from './described.js'

const HOSTS = `
pay-1: { address: 10.0.0.2, services: { payments: { port: 9090 } } }
pay-2: { address: 10.0.0.3, services: { payments: { port: 9090 } } }
`

const UNUSED: readonly (readonly [string, Partial<Instance>, string])[] = [
  ['whose check fails', { health: 'critical', healthDetail: 'HTTP 503' }, 'its check fails: HTTP 503'],
  ['that is draining', { health: 'draining' }, 'it is draining: open requests end, new ones go elsewhere'],
  [
    'outside the mesh beside one inside',
    { reach: 'plain' },
    'it is outside the mesh, and payments has instances in the mesh',
  ],
  [
    'with another protocol',
    { ports: [{ name: 'main', port: 9090, protocol: 'tcp' }] },
    'it says that port main is tcp, the others say http: it gets nothing there',
  ],
]

for (const [name, state, why] of UNUSED) {
  test(`an instance ${name} is not called, and it is said why`, () => {
    const instance = (one: Instance) => (one.host === 'pay-2' ? { ...one, ...state } : one)
    const told = describedFrom('payments', HOSTS, '', { instance })
    assert.deepEqual(
      told.instances.map(({ host, used, notes }) => [host, used, ...notes]),
      [
        ['pay-1', true],
        ['pay-2', false, why],
      ],
    )
    assert.match(formatDescription(told), new RegExp(`pay-2 .* no +${why}\n`))
  })
}

test('an instance whose session is lost is still called, with since when and for how long', () => {
  const [told] = describedFrom('payments', HOSTS, '', {
    record: (one) => ({ ...one, session: { state: 'lost', since: 0 } }),
  }).instances
  assert.equal(told?.used, true)
  assert.deepEqual(told.notes, [
    'the session of pay-1 is lost since 1970-01-01T00:00:00.000Z; it is still called, and given up after the grace if another instance passes',
  ])
})

const ENVOY: EnvoyFacts = {
  state: 'crashed',
  sinceMs: 0,
  restarts: 3,
  detail: 'exited with 139',
  refused: [{ typeUrl: CLUSTER, name: 'payments/main', version: '1', error: 'no' }],
  acknowledged: 0,
  subscribed: 0,
  certificateExpiryMs: 0,
  controlPlaneId: 'cp-1',
}

test('an instance whose Envoy has crashed, or refuses what it is given, is told', () => {
  const told = describedFrom('payments', HOSTS, '', {
    record: (one) => (one.host === 'pay-1' ? { ...one, envoy: ENVOY } : one),
  })
  assert.deepEqual(
    told.instances.map(({ notes }) => notes),
    [['its Envoy is crashed: exited with 139', 'its Envoy refuses payments/main and keeps what it had'], []],
  )
  assert.deepEqual(told.ports[0]?.notes, [
    'cluster payments/main is refused by the Envoys of pay-1, which keep what they had',
  ])
  assert.match(told.problems[0]?.message ?? '', /^the Envoy of pay-1 refuses cluster payments\/main .*: no$/)
})

test('a version that so many refuse that no further host is given it is told so', () => {
  const name = 'outbound/payments/main'
  const quarantined = [{ type: ROUTE, name, version: '1', hosts: ['pay-1', 'pay-2'], error: 'no' }]
  assert.deepEqual(describedFrom('payments', HOSTS, '', { source: { quarantined } }).ports[0]?.notes, [
    `route ${name} is refused by the Envoys of pay-1, pay-2, which keep what they had, and no further host is given it`,
  ])
})

test('what is wrong with a host is a problem of the services that it runs, and of no other', () => {
  const alarm: CloneAlarm = { since: 0, kept: '10.0.0.2', refused: '10.0.0.99', last: Date.now() }
  const codes = (host: string) =>
    describedFrom('payments', HOSTS, '', { source: { clones: new Map([[host, alarm]]) } }).problems.map(
      ({ code }) => code,
    )
  assert.deepEqual(codes('pay-1'), ['MSH0407'])
  assert.deepEqual(codes('web-1'), [])
})

test('what a host of another service refuses is not told', () => {
  const hosts = `${HOSTS}web-1: { address: 10.0.0.1, services: { web: { port: 8080 } } }`
  const refused = [{ typeUrl: CLUSTER, name: 'web/main', version: '1', error: 'no' }]
  const { ports, problems } = describedFrom('payments', hosts, '', {
    record: (one) => (one.host === 'web-1' ? { ...one, envoy: { ...ENVOY, refused } } : one),
  })
  assert.deepEqual([ports[0]?.notes, problems], [[], []])
})

test('a host that may not run the service is told as one without an instance', () => {
  const told = describedFrom('payments', HOSTS, '', { mayRun: (host) => host !== 'pay-2' })
  assert.deepEqual(told.absent, [{ host: 'pay-2', why: 'host pay-2 may not run the service payments' }])
  assert.match(formatDescription(told), /NO INSTANCE OF +BECAUSE\npay-2 +host pay-2 may not run/)
})

test('a host that is given up because another instance passes is told, with since when', () => {
  const { absent } = describedFrom('payments', HOSTS, '', {
    record: (one) => (one.host === 'pay-2' ? { ...one, session: { state: 'lost', since: 0 } } : one),
  })
  assert.deepEqual(absent, [
    {
      host: 'pay-2',
      why: 'it is not heard of since 1970-01-01T00:00:00.000Z; it was given up, because another instance passes',
    },
  ])
})

test('a banned host that ran the service is told, with the reason, and no other one', () => {
  const host = { enrolledAt: 0, keyHash: '', certificates: [], banned: { since: 0, reason: 'stolen' } }
  const identity = serviceId(TRUST_DOMAIN, 'payments')
  const enrolled: readonly HostRecord[] = [
    { ...host, host: 'pay-7', services: ['*'], certificates: [{ serial: '1', identity, notAfter: 1 }] },
    { ...host, host: 'pay-8', services: ['payments'] },
    { ...host, host: 'web-9', services: ['*'] },
  ]
  const why = 'it is banned since 1970-01-01T00:00:00.000Z: stolen'
  assert.deepEqual(describedFrom('payments', HOSTS, '', { source: { enrolled } }).absent, [
    { host: 'pay-7', why },
    { host: 'pay-8', why },
  ])
})
