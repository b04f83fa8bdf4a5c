import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { formatToken, type JoinToken, JoinTokenError, parseToken } from '../../common/join-token.js'
import { Secret } from '../../common/log.js'

const token: JoinToken = {
  id: '0123456789abcdef',
  secret: new Secret('s'.repeat(43)),
  controlPlanes: [
    { address: '10.0.0.1', port: 15012 },
    { address: '::1', port: 15012 },
    { address: 'cp.example', port: 443 },
  ],
  rootFingerprint: 'ab'.repeat(32),
}

const text = formatToken(token).reveal()
const content = () => JSON.parse(Buffer.from(text.slice(6), 'base64url').toString()) as Record<string, unknown>
const withContent = (change: Record<string, unknown>) =>
  `mesh1.${Buffer.from(JSON.stringify({ ...content(), ...change })).toString('base64url')}`

test('a join token carries all that a host needs through one line of text', () => {
  assert.match(text, /^mesh1\.[A-Za-z0-9_-]+$/)
  const parsed = parseToken(`${text}\n`)
  assert.equal(parsed.secret.reveal(), token.secret.reveal())
  assert.deepEqual({ ...parsed, secret: 0 }, { ...token, secret: 0 })
})

test('neither the text of a token nor what was read from it prints its secret', () => {
  for (const shown of [formatToken(token), parseToken(text)]) {
    for (const printed of [inspect(shown), JSON.stringify(shown), `${String(shown)}`]) {
      assert.ok(!printed.includes(token.secret.reveal()) && !printed.includes(text.slice(6)), printed)
    }
  }
})

const REFUSED: readonly (readonly [name: string, text: string])[] = [
  ['nothing', ''],
  ['some other text', 'hello'],
  ['another version', text.replace('mesh1.', 'mesh2.')],
  ['text with its last characters cut off', text.slice(0, -5)],
  ['text with a space in it', `${text.slice(0, 30)} ${text.slice(30)}`],
  [
    'text in another alphabet',
    `mesh1.${Buffer.from(JSON.stringify({ ...content(), root: '~~~???' })).toString('base64')}`,
  ],
  ['text that is far too long', withContent({ controlPlanes: Array(500).fill('10.0.0.1:15012') })],
  ['something that is no JSON', `mesh1.${Buffer.from('hello').toString('base64url')}`],
  ['a list', `mesh1.${Buffer.from('[]').toString('base64url')}`],
  ['another version inside', withContent({ v: 2 })],
  ['a key that is unknown', withContent({ more: 1 })],
  ['a secret that is too short', withContent({ secret: 'short' })],
  ['an id that is none', withContent({ id: '../../etc' })],
  ['a fingerprint that is none', withContent({ root: 'AB'.repeat(32) })],
  ['no control plane', withContent({ controlPlanes: [] })],
  ['a control plane without a port', withContent({ controlPlanes: ['10.0.0.1'] })],
]

for (const [name, refused] of REFUSED) {
  test(`a join token that is ${name} is refused without quoting it`, () => {
    assert.throws(
      () => parseToken(refused),
      (error) =>
        error instanceof JoinTokenError && !error.message.includes(token.secret.reveal()) && error.cause === undefined,
    )
  })
}
