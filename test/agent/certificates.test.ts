import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Certificates, type HeldKeyPair, readCredentials } from '../../agent/identity/certificates.js'
import { IdentityStore } from '../../agent/identity/store.js'
import { Latest, waitFor } from '../../common/latest.js'
import { encodePem } from '../../common/x509/pem.js'
import { keepingLog, makeAuthority, NOW, temporaryDirectory } from '../ca/fixtures.js'

const HOUR = 3_600_000

function pair(notBefore: number, notAfter: number): HeldKeyPair {
  return { keyPem: 'a key', chainPem: '-----BEGIN CERTIFICATE-----', notBefore, notAfter }
}

/** What looks after the certificates of a host whose own is new, at {@link NOW}; it runs until the test ends. */
async function started(t: TestContext, services: Readonly<Record<string, HeldKeyPair>>, trustBundlePem = 'roots') {
  const store = new IdentityStore(await temporaryDirectory(t))
  for (const [service, one] of Object.entries(services)) await store.writeKeyPair(`svc-${service}`, one)
  const wanted = new Latest<readonly string[]>([])
  let looks = 0
  const { log, lines } = keepingLog()
  const certificates = new Certificates({
    store,
    initial: { host: pair(NOW, NOW + 72 * HOUR), services: new Map(Object.entries(services)), trustBundlePem },
    wanted,
    issue: () => undefined,
    recover: () => Promise.reject(new Error('nobody is there')),
    log,
    now: () => {
      looks++
      return NOW
    },
  })
  const end = new AbortController()
  t.after(() => end.abort())
  const run = () => {
    const running = certificates.run(end.signal)
    t.after(() => running)
  }
  return { store, certificates, wanted, lines, run, looks: () => looks, signal: end.signal }
}

const expired = pair(NOW - 73 * HOUR, NOW - HOUR)
const late = pair(NOW - 60 * HOUR, NOW + 12 * HOUR)

test('a certificate that nobody renews any more does not keep the agent busy', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { run, looks } = await started(t, { gone: late })
  run()
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await turn()
  const before = looks()
  for (let seconds = 0; seconds < 20; seconds++) {
    t.mock.timers.tick(1000)
    await turn()
  }
  assert.equal(looks(), before)
})

test('an expired certificate of a service that the host may not run any more is forgotten, a valid one is kept', async (t) => {
  const { run, certificates, wanted, store } = await started(t, { gone: expired, leaving: late, web: expired })
  wanted.set(['web'])
  run()
  await waitFor(certificates.held, ({ services }) => !services.has('gone'), AbortSignal.timeout(10_000))
  assert.deepEqual([...certificates.held.value.services.keys()], ['leaving', 'web'])
  assert.deepEqual(await store.listKeyPairs(), ['svc-leaving', 'svc-web'])
})

test('nothing is forgotten before a control plane has said what the host may run', async (t) => {
  const { run, store, looks } = await started(t, { web: expired })
  run()
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(looks() > 0)
  assert.deepEqual(await store.listKeyPairs(), ['svc-web'])
})

test('a trust bundle is taken, and what is none is not', async (t) => {
  const { bundlePem } = await makeAuthority(t)
  const { certificates, lines, signal } = await started(t, {}, 'roots')
  const welcome = new Latest<{ readonly trustBundlePem: string } | undefined>(undefined)
  void certificates.follow(welcome, signal)
  const refused = ['nonsense', `${bundlePem}nonsense`, encodePem('CERTIFICATE', Buffer.from('no certificate'))]
  for (const [index, trustBundlePem] of refused.entries()) {
    welcome.set({ trustBundlePem })
    while (lines.length <= index) await new Promise((resolve) => setImmediate(resolve))
    assert.match(lines.at(-1)?.message ?? '', /is no trust bundle/)
  }
  assert.equal(certificates.held.value.trustBundlePem, 'roots')
  welcome.set({ trustBundlePem: bundlePem })
  await waitFor(certificates.held, (now) => now.trustBundlePem === bundlePem, AbortSignal.timeout(10_000))
})

test('a host whose certificate is not there has no credentials', async (t) => {
  assert.equal(await readCredentials(new IdentityStore(await temporaryDirectory(t))), undefined)
})
