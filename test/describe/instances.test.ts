import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDescription } from '../../cli/commands/describe.js'
import type { Instance } from '../../controlplane/catalog/catalog.js'
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
    instance: (one) => ({ ...one, presence: 'unknown' }),
    record: (one) => ({ ...one, session: { state: 'lost', since: 0 } }),
  }).instances
  assert.equal(told?.used, true)
  assert.deepEqual(told.notes, [
    'the session of pay-1 is lost since 1970-01-01T00:00:00.000Z; it is still called, and given up after the grace if another instance passes',
  ])
})

test('an instance whose Envoy has crashed, or refuses what it is given, is told', () => {
  const envoy = {
    state: 'crashed',
    sinceMs: 0,
    restarts: 3,
    detail: 'exited with 139',
    refused: [{ typeUrl: 'type', name: 'payments/main', version: '1', error: 'no' }],
    acknowledged: 0,
    subscribed: 0,
    certificateExpiryMs: 0,
    controlPlaneId: 'cp-1',
  }
  const [told] = describedFrom('payments', HOSTS, '', { record: (one) => ({ ...one, envoy }) }).instances
  assert.deepEqual(told?.notes, ['its Envoy is crashed: exited with 139', 'its Envoy refuses payments/main'])
})
