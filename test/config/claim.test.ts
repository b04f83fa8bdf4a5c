import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimEarlier, type Present } from '../../common/config/claim.js'
import { cpuTimeOf } from './cpu-time.js'

const A = { identity: 'authorization ledger', text: 'allow: [{ from: { services: [payments] } }]' }
const B = { identity: 'authorization ledger', text: 'allow: [{ from: { services: [backup] } }]' }
const ROUTE = { identity: 'route payments', text: 'kind: route\nservice: payments\nrules: [{ timeout: 1s }]\n' }

const valid = ({ identity, text }: { identity: string; text: string }): Present => ({ identity, text, valid: true })
const broken = (identity: string | undefined, text: string): Present => ({ identity, text, valid: false })

const BROKEN_B = broken('authorization ledger', B.text.replace('services', 'servcies'))

type Case = readonly [string, readonly (typeof A)[], readonly Present[], readonly (string | undefined)[]]

const cases: readonly Case[] = [
  ['unchanged documents continue themselves', [A, B], [valid(B), valid(A)], [B.text, A.text]],
  ['a broken one of several continues the one most like it', [A, B], [valid(A), BROKEN_B], [A.text, B.text]],
  ['also when the other one was deleted', [A, B], [BROKEN_B], [B.text]],
  [
    'also when the other one was changed',
    [A, B],
    [valid({ ...A, text: A.text.replace('payments', 'web') }), BROKEN_B],
    [A.text, B.text],
  ],
  [
    'a typo in kind does not end the document',
    [ROUTE],
    [broken(undefined, ROUTE.text.replace('kind: route', 'kind: rout'))],
    [ROUTE.text],
  ],
  [
    'a broken document that is new continues nothing',
    [ROUTE],
    [valid(ROUTE), broken(undefined, 'x')],
    [ROUTE.text, undefined],
  ],
  [
    'an unlike document does not come back',
    [ROUTE],
    [broken('service web', 'kind: service\nservice: 7\n')],
    [undefined],
  ],
  [
    'of a valid and a broken document about the same the valid one continues it',
    [ROUTE],
    [broken('route payments', `${ROUTE.text}x`), valid({ ...ROUTE, text: `${ROUTE.text}#` })],
    [undefined, ROUTE.text],
  ],
]

for (const [name, earlier, present, want] of cases) {
  test(name, () => {
    const claims = claimEarlier(earlier, present)
    assert.deepEqual(
      present.map((_, index) => claims.get(index)?.text),
      want,
    )
  })
}

test('twenty thousand changed documents of one identity are matched in well under a second', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => ({
    identity: 'host-policy',
    text: `hosts: [web-${index}]`,
  }))
  const present = many.map(({ identity, text }) => broken(identity, `${text}x`))
  assert.ok(cpuTimeOf(() => assert.equal(claimEarlier(many, present).size, 20_000)) < 1000)
})

test('a broken one of hundreds is found by what is left when the others have found themselves', () => {
  const many = Array.from({ length: 200 }, (_, index) => ({ identity: 'host-policy', text: `hosts: [web-${index}]` }))
  const present = many
    .toReversed()
    .map((one) => (one.text.includes('-150') ? broken(one.identity, 'hosts: web') : valid(one)))
  const claims = claimEarlier(many, present)
  assert.equal(claims.get(present.findIndex(({ valid: fine }) => !fine))?.text, 'hosts: [web-150]')
})
