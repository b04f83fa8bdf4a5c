import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { writeFileAtomically } from '../../common/files.js'
import { formatToken, parseToken } from '../../common/join-token.js'
import { Secret } from '../../common/log.js'
import { type TokenReason, tokensState } from '../../controlplane/ca/token-use.js'
import { JoinTokens, TokenError, type TokenRequest, TokenRequestError } from '../../controlplane/ca/tokens.js'
import { StateFile, StateFileError } from '../../controlplane/state-file.js'
import { keepingLog, NOW, seededRandom, temporaryDirectory } from './fixtures.js'

const MINUTE_MS = 60_000
const REQUEST: TokenRequest = {
  hosts: 'web-1',
  services: ['web', 'cache-*'],
  controlPlanes: [{ address: '10.0.0.1', port: 15012 }],
  rootFingerprint: 'ab'.repeat(32),
}

async function open(t: TestContext, path?: string, write?: typeof writeFileAtomically) {
  const at = path ?? join(await temporaryDirectory(t), 'tokens.json')
  const { log, lines } = keepingLog()
  const file = await StateFile.open(at, tokensState, { tokens: [] }, write)
  return { tokens: new JoinTokens({ file, log }), lines, path: at }
}

/** The reason of a refusal; `granted` where there was none. */
async function outcomeOf(use: Promise<unknown>): Promise<TokenReason | 'granted'> {
  try {
    await use
    return 'granted'
  } catch (error) {
    if (error instanceof TokenError) return error.reason
    throw error
  }
}

test('a token grants its services to its host, once', async (t) => {
  const { tokens } = await open(t)
  const { text } = await tokens.create(REQUEST, NOW)
  const use = { host: 'web-1', keyHash: 'k1', now: NOW }
  assert.deepEqual(await tokens.use(text.reveal(), use), { granted: ['web', 'cache-*'] })
  assert.equal(await outcomeOf(tokens.use(text.reveal(), { ...use, keyHash: 'k2' })), 'used-up')
})

test('a token tells a host where to go and which root to expect', async (t) => {
  const { tokens } = await open(t)
  const { id, text } = await tokens.create(REQUEST, NOW)
  const parsed = parseToken(text.reveal())
  assert.equal(parsed.id, id)
  assert.deepEqual(parsed.controlPlanes, REQUEST.controlPlanes)
  assert.equal(parsed.rootFingerprint, REQUEST.rootFingerprint)
  assert.ok(Buffer.from(parsed.secret.reveal(), 'base64url').length >= 16)
})

test('the same key may ask again, which takes no other use', async (t) => {
  const { tokens } = await open(t)
  const { text } = await tokens.create({ ...REQUEST, hosts: 'web-*', uses: 2 }, NOW)
  const use = (host: string, keyHash: string) => outcomeOf(tokens.use(text.reveal(), { host, keyHash, now: NOW }))
  assert.equal(await use('web-1', 'k1'), 'granted')
  assert.equal(await use('web-1', 'k1'), 'granted')
  assert.equal(await use('web-2', 'k2'), 'granted')
  assert.equal(await use('web-1', 'k1'), 'granted')
  assert.equal(await use('web-3', 'k3'), 'used-up')
})

test('a key that joined as one host cannot join as another by the same token', async (t) => {
  const { tokens } = await open(t)
  const { text } = await tokens.create({ ...REQUEST, hosts: 'web-*', uses: 5 }, NOW)
  const use = (host: string) => outcomeOf(tokens.use(text.reveal(), { host, keyHash: 'k1', now: NOW }))
  assert.equal(await use('web-1'), 'granted')
  assert.equal(await use('web-2'), 'key-of-another-host')
})

const WRONG_HOSTS = ['web-2', 'web-1.example', 'WEB-1', 'web-1\n', '', 'web', 'web-11']
for (const host of WRONG_HOSTS) {
  test(`a token for web-1 is refused to ${JSON.stringify(host)}, and web-1 can use it afterwards`, async (t) => {
    const { tokens } = await open(t)
    const { text } = await tokens.create(REQUEST, NOW)
    assert.equal(await outcomeOf(tokens.use(text.reveal(), { host, keyHash: 'k1', now: NOW })), 'wrong-host')
    assert.equal(await outcomeOf(tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k2', now: NOW })), 'granted')
  })
}

test('a pattern lets in names that it matches, and nothing that is no name', async (t) => {
  const { tokens } = await open(t)
  const { text } = await tokens.create({ ...REQUEST, hosts: 'web-*', uses: 10 }, NOW)
  const use = (host: string) => outcomeOf(tokens.use(text.reveal(), { host, keyHash: host, now: NOW }))
  assert.equal(await use('web-1'), 'granted')
  assert.equal(await use('web-eu.example'), 'granted')
  for (const host of ['db-1', 'web-', 'web-1/../db-1', 'web-1 ', 'web-É'])
    assert.equal(await use(host), 'wrong-host', host)
})

test('a token ends at its time, which is ten minutes unless given', async (t) => {
  const { tokens } = await open(t)
  const { text, expiresAt } = await tokens.create(REQUEST, NOW)
  assert.equal(expiresAt, NOW + 10 * MINUTE_MS)
  const use = (now: number) => outcomeOf(tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k1', now }))
  assert.equal(await use(expiresAt), 'expired')
  assert.equal(await use(expiresAt - 1), 'granted')
})

test('a revoked token is refused, also to a key that had used it', async (t) => {
  const { tokens } = await open(t)
  const { id, text } = await tokens.create(REQUEST, NOW)
  const use = () => outcomeOf(tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k1', now: NOW }))
  assert.equal(await use(), 'granted')
  assert.equal(await tokens.revoke(id), true)
  assert.equal(await use(), 'revoked')
  assert.equal(await tokens.revoke('0000000000000000'), false)
})

test('every refusal looks the same to the caller, and each is audited with its own reason', async (t) => {
  const { tokens, lines } = await open(t)
  const { id, text } = await tokens.create(REQUEST, NOW)
  const good = text.reveal()
  const parsed = parseToken(good)
  const guessed = formatToken({ ...parsed, secret: new Secret('A'.repeat(43)) }).reveal()
  const unknown = formatToken({ ...parsed, id: 'f'.repeat(16) }).reveal()
  await tokens.use(good, { host: 'web-1', keyHash: 'k1', now: NOW })
  const attempts = [
    ['malformed', 'hello', { host: 'web-1', keyHash: 'k2', now: NOW }],
    ['unknown', unknown, { host: 'web-1', keyHash: 'k2', now: NOW }],
    ['wrong-secret', guessed, { host: 'web-1', keyHash: 'k1', now: NOW }],
    ['wrong-host', good, { host: 'web-2', keyHash: 'k2', now: NOW }],
    ['used-up', good, { host: 'web-1', keyHash: 'k2', now: NOW }],
    ['expired', good, { host: 'web-1', keyHash: 'k1', now: NOW + 11 * MINUTE_MS }],
  ] as const
  const before = lines.length
  const shown = new Set<string>()
  for (const [, presented, use] of attempts) {
    await assert.rejects(tokens.use(presented, use), (error) => {
      assert.ok(error instanceof TokenError)
      shown.add(`${error.name}: ${error.message}`)
      return true
    })
  }
  assert.equal(shown.size, 1)
  const audited = lines.slice(before)
  assert.deepEqual(
    audited.map(({ reason }) => reason),
    attempts.map(([reason]) => reason),
  )
  assert.ok(audited.every(({ message }) => message === 'token decision'))
  const alarms = audited.filter(({ level }) => level === 'error')
  assert.deepEqual(alarms, [
    {
      level: 'error',
      message: 'token decision',
      audit: true,
      decision: 'refused',
      reason: 'used-up',
      alarm: true,
      token: id,
      host: 'web-1',
      keyHash: 'k2',
    },
  ])
})

test('neither the log nor the file nor the list holds the secret', async (t) => {
  const { tokens, lines, path } = await open(t)
  const { text } = await tokens.create(REQUEST, NOW)
  const secret = parseToken(text.reveal()).secret.reveal()
  await tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k1', now: NOW })
  for (const place of [JSON.stringify(lines), await readFile(path, 'utf8'), JSON.stringify(tokens.list())]) {
    assert.ok(!place.includes(secret) && !place.includes(text.reveal().slice(6)))
  }
  assert.ok(!JSON.stringify(tokens.list()).includes('secretHash'))
})

test('what was used stays used after a restart', async (t) => {
  const { tokens, path } = await open(t)
  const { text } = await tokens.create(REQUEST, NOW)
  await tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k1', now: NOW })
  const restarted = (await open(t, path)).tokens
  assert.equal(await outcomeOf(restarted.use(text.reveal(), { host: 'web-1', keyHash: 'k2', now: NOW })), 'used-up')
  assert.equal(await outcomeOf(restarted.use(text.reveal(), { host: 'web-1', keyHash: 'k1', now: NOW })), 'granted')
})

test('a use that cannot be recorded is refused and audited, and not taken', async (t) => {
  let full = false
  const { tokens, lines } = await open(t, undefined, (...args) =>
    full ? Promise.reject(new Error('ENOSPC')) : writeFileAtomically(...args),
  )
  const { text } = await tokens.create(REQUEST, NOW)
  full = true
  await assert.rejects(tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k1', now: NOW }), StateFileError)
  assert.equal(lines.at(-1)?.reason, 'not-recorded')
  await assert.rejects(tokens.create(REQUEST, NOW), StateFileError)
  full = false
  assert.equal(await outcomeOf(tokens.use(text.reveal(), { host: 'web-1', keyHash: 'k2', now: NOW })), 'granted')
})

const LIMITS: readonly (readonly [name: string, change: Partial<TokenRequest>])[] = [
  ['more than an hour for one host', { ttl: 61 * MINUTE_MS }],
  ['more than a day for a pattern', { hosts: 'web-*', ttl: 24 * 60 * MINUTE_MS + 1 }],
  ['no time', { ttl: 0 }],
  ['a time that is no number', { ttl: Number.NaN }],
  ['no uses', { uses: 0 }],
  ['half a use', { uses: 1.5 }],
  ['uses without end', { uses: Number.POSITIVE_INFINITY }],
  ['a pattern in the middle', { hosts: 'web-*-eu' }],
  ['a host that is no name', { hosts: 'WEB 1' }],
  ['a service that is no name', { services: ['we b'] }],
  ['no control plane', { controlPlanes: [] }],
]

for (const [name, change] of LIMITS) {
  test(`a token with ${name} is not made`, async (t) => {
    const { tokens } = await open(t)
    await assert.rejects(tokens.create({ ...REQUEST, ...change }, NOW), TokenRequestError)
    assert.deepEqual(tokens.list(), [])
  })
}

test('a token for a pattern may live a day, and ended tokens are forgotten after a week', async (t) => {
  const { tokens } = await open(t)
  const day = 24 * 60 * MINUTE_MS
  const { id } = await tokens.create({ ...REQUEST, hosts: 'web-*', ttl: day }, NOW)
  await tokens.create(REQUEST, NOW + 8 * day - 1)
  assert.ok(tokens.list().some((token) => token.id === id))
  await tokens.create(REQUEST, NOW + 8 * day)
  assert.ok(!tokens.list().some((token) => token.id === id))
})

test('of 100 parallel uses in each of 50 rounds never more keys get in than there are uses', async (t) => {
  const random = seededRandom(42)
  const { tokens, path } = await open(t)
  for (let round = 0; round < 50; round++) {
    const uses = 1 + Math.floor(random() * 10)
    const { id, text } = await tokens.create({ ...REQUEST, hosts: 'web-*', uses }, NOW)
    const attempts = Array.from({ length: 100 }, () => `k${Math.floor(random() * 40)}`)
    const outcomes = await Promise.all(
      attempts.map(async (keyHash) => {
        const outcome = await outcomeOf(tokens.use(text.reveal(), { host: `web-${keyHash}`, keyHash, now: NOW }))
        return { keyHash, outcome }
      }),
    )
    const keysIn = new Set(outcomes.filter(({ outcome }) => outcome === 'granted').map(({ keyHash }) => keyHash))
    assert.equal(keysIn.size, Math.min(uses, new Set(attempts).size), `round ${round}`)
    for (const { keyHash, outcome } of outcomes) assert.equal(outcome, keysIn.has(keyHash) ? 'granted' : 'used-up')
    const stored = tokensState.parse(JSON.parse(await readFile(path, 'utf8'))).tokens.find((token) => token.id === id)
    assert.deepEqual(new Set(stored?.taken.map(({ keyHash }) => keyHash)), keysIn)
  }
})

test('10,000 guesses at a token all fail, and raise one alarm a minute', async (t) => {
  const { tokens, lines } = await open(t)
  const { id, text } = await tokens.create(REQUEST, NOW)
  const random = seededRandom(1)
  const parsed = parseToken(text.reveal())
  for (let guess = 0; guess < 10_000; guess++) {
    const bytes = Buffer.from(Array.from({ length: 32 }, () => Math.floor(random() * 256)))
    const presented = formatToken({ ...parsed, secret: new Secret(bytes.toString('base64url')) }).reveal()
    assert.equal(
      await outcomeOf(tokens.use(presented, { host: 'web-1', keyHash: 'k', now: NOW + guess * 10 })),
      'wrong-secret',
    )
  }
  assert.equal(lines.filter(({ message }) => message === 'somebody guesses at join tokens').length, 2)
  assert.deepEqual(tokens.list().find((token) => token.id === id)?.taken, [])
})

test('a guess is refused alike in time, whether there is such a token or not', async (t) => {
  const { tokens } = await open(t)
  const parsed = parseToken((await tokens.create(REQUEST, NOW)).text.reveal())
  const known = formatToken({ ...parsed, secret: new Secret('A'.repeat(43)) }).reveal()
  const unknown = formatToken({ ...parsed, id: 'f'.repeat(16), secret: new Secret('A'.repeat(43)) }).reveal()
  const times = new Map([known, unknown].map((text) => [text, [] as number[]]))
  // In turns, so that whatever else the machine does meets both alike.
  for (let round = 0; round < 2_000; round++) {
    for (const [text, taken] of times) {
      const began = performance.now()
      await assert.rejects(tokens.use(text, { host: 'web-1', keyHash: 'k', now: NOW }), TokenError)
      taken.push(performance.now() - began)
    }
  }
  const [a = 0, b = 0] = [...times.values()].map((taken) => taken.sort((x, y) => x - y)[taken.length / 2] ?? 0)
  assert.ok(Math.abs(a - b) < Math.max(a, b) / 3, `medians of ${a} and ${b} ms`)
})

test('the life of a token keeps its rules over random sequences of events', async (t) => {
  const random = seededRandom(2026)
  const below = (bound: number) => Math.floor(random() * bound)
  const { tokens } = await open(t)
  for (let life = 0; life < 60; life++) {
    const uses = 1 + below(3)
    const { id, text, expiresAt } = await tokens.create({ ...REQUEST, hosts: 'web-*', uses }, NOW)
    const taken = new Map<string, string>()
    let revoked = false
    let now = NOW
    for (let event = 0; event < 25; event++) {
      now += below(MINUTE_MS)
      if (below(30) === 0) revoked = (await tokens.revoke(id)) || revoked
      const [host, keyHash] = [`${below(8) === 0 ? 'db' : 'web'}-${below(3)}`, `k${below(4)}`]
      const outcome = await outcomeOf(tokens.use(text.reveal(), { host, keyHash, now }))
      const want = expectation({
        revoked,
        expired: now >= expiresAt,
        host,
        before: taken.get(keyHash),
        free: taken.size < uses,
      })
      assert.equal(outcome, want, `life ${life} event ${event}`)
      if (outcome === 'granted') taken.set(keyHash, host)
    }
  }
})

/** What a token's answer must be, told in another way than the code tells it. */
function expectation(state: {
  revoked: boolean
  expired: boolean
  host: string
  before: string | undefined
  free: boolean
}) {
  if (state.revoked) return 'revoked'
  if (state.expired) return 'expired'
  if (!state.host.startsWith('web-')) return 'wrong-host'
  if (state.before === state.host) return 'granted'
  if (state.before !== undefined) return 'key-of-another-host'
  return state.free ? 'granted' : 'used-up'
}
