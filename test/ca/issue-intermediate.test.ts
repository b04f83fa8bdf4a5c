import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { initAuthority, loadAuthority } from '../../controlplane/ca/authority.js'
import { AuthorityError, type AuthorityReason } from '../../controlplane/ca/authority-error.js'
import { INTERMEDIATE_LIFE_MS } from '../../controlplane/ca/ca-certificate.js'
import { issueIntermediate, renewIntermediate } from '../../controlplane/ca/issue-intermediate.js'
import { NOW, openssl, TRUST_DOMAIN, temporaryDirectory } from './fixtures.js'

const DAY_MS = 86_400_000

async function made(t: TestContext) {
  const parent = await temporaryDirectory(t)
  const rootDirectory = join(parent, 'ca')
  const authority = await initAuthority(rootDirectory, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1', now: NOW })
  return { parent, rootDirectory, authority, order: { controlPlaneId: 'cp-2', rootDirectory, now: NOW } }
}

function refusedFor(reason: AuthorityReason) {
  return (error: unknown) => error instanceof AuthorityError && error.reason === reason
}

test('another control plane gets an intermediate of its own, and never the key of the root', async (t) => {
  const { parent, authority, order } = await made(t)
  const directory = join(parent, 'cp-2-ca')
  const { trustDomain, notAfter } = await issueIntermediate(directory, order)
  assert.equal(trustDomain, TRUST_DOMAIN)
  assert.ok(notAfter > NOW + 89 * DAY_MS && notAfter <= NOW + INTERMEDIATE_LIFE_MS)
  assert.deepEqual((await readdir(directory)).sort(), [
    'bundle.pem',
    'intermediate.key',
    'intermediate.pem',
    'root.pem',
  ])
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
  for (const name of await readdir(directory)) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600)
  const other = await loadAuthority(directory, NOW)
  assert.equal(other.rootFingerprint, authority.rootFingerprint)
  assert.equal(other.bundlePem, authority.bundlePem)
  assert.notDeepEqual(other.intermediate.certificate.subject, authority.intermediate.certificate.subject)
  const files = { 'root.pem': other.root.pem, 'intermediate.pem': other.intermediate.pem }
  const at = ['-attime', String(NOW / 1000)]
  const verified = await openssl(t, files, ['verify', '-x509_strict', ...at, '-CAfile', 'root.pem', 'intermediate.pem'])
  assert.match(verified, /OK/)
})

test('a root key that is kept elsewhere signs as well, and nothing else does', async (t) => {
  const { parent, rootDirectory, order } = await made(t)
  const rootKeyFile = join(parent, 'safe.key')
  await rename(join(rootDirectory, 'root.key'), rootKeyFile)
  await assert.rejects(issueIntermediate(join(parent, 'a'), order), refusedFor('missing'))
  await issueIntermediate(join(parent, 'b'), { ...order, rootKeyFile })
  await writeFile(join(parent, 'other.key'), exportPrivateKey(generateKeyPair().privateKey), { mode: 0o600 })
  const foreign = issueIntermediate(join(parent, 'c'), { ...order, rootKeyFile: join(parent, 'other.key') })
  await assert.rejects(foreign, refusedFor('key-mismatch'))
  await chmod(rootKeyFile, 0o644)
  await assert.rejects(issueIntermediate(join(parent, 'd'), { ...order, rootKeyFile }), refusedFor('permissions'))
})

test('no directory with an intermediate is overwritten', async (t) => {
  const { parent, rootDirectory, order } = await made(t)
  const directory = join(parent, 'cp-2-ca')
  await issueIntermediate(directory, order)
  const before = await readFile(join(directory, 'intermediate.key'), 'utf8')
  await assert.rejects(issueIntermediate(directory, order), refusedFor('exists'))
  await assert.rejects(issueIntermediate(rootDirectory, order), refusedFor('exists'))
  assert.equal(await readFile(join(directory, 'intermediate.key'), 'utf8'), before)
})

test('renewal replaces key and certificate together, for another 90 days', async (t) => {
  const { rootDirectory, authority, order } = await made(t)
  const later = NOW + 80 * DAY_MS
  const renewed = await renewIntermediate(rootDirectory, { ...order, controlPlaneId: 'cp-1', now: later })
  assert.ok(renewed.notAfter > NOW + 169 * DAY_MS)
  const loaded = await loadAuthority(rootDirectory, later)
  assert.equal(loaded.rootFingerprint, authority.rootFingerprint)
  assert.notDeepEqual(loaded.intermediate.certificate.spkiDer, authority.intermediate.certificate.spkiDer)
  assert.equal((await readdir(rootDirectory)).length, 5)
})

test('an intermediate that has expired can be renewed still', async (t) => {
  const { rootDirectory, order } = await made(t)
  const later = NOW + 200 * DAY_MS
  await assert.rejects(loadAuthority(rootDirectory, later), refusedFor('expired'))
  await renewIntermediate(rootDirectory, { ...order, controlPlaneId: 'cp-1', now: later })
  await loadAuthority(rootDirectory, later)
})

test('a directory without an intermediate, or of another root, is not renewed', async (t) => {
  const { parent, order } = await made(t)
  await assert.rejects(renewIntermediate(join(parent, 'none'), order), refusedFor('missing'))
  const foreign = join(parent, 'foreign')
  await initAuthority(foreign, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-2', now: NOW })
  await assert.rejects(renewIntermediate(foreign, order), refusedFor('not-chained'))
})

test('a renewal that lost power at any step leaves the old pair or the new one', async (t) => {
  const { parent, rootDirectory, order } = await made(t)
  const read = (directory: string, name: string) => readFile(join(directory, name), 'utf8')
  const old = await loadAuthority(rootDirectory, NOW)
  const [oldKey, oldPem] = [await read(rootDirectory, 'intermediate.key'), old.intermediate.pem]
  const fresh = join(parent, 'fresh')
  await issueIntermediate(fresh, order)
  const [newKey, newPem] = [await read(fresh, 'intermediate.key'), await read(fresh, 'intermediate.pem')]
  const STEPS = [
    ['the key waits, the certificate is the old one', oldPem, old.intermediate.pem],
    ['the certificate is the new one, the key waits', newPem, newPem],
  ] as const
  for (const [name, certificate, want] of STEPS) {
    await writeFile(join(rootDirectory, 'intermediate.key'), oldKey, { mode: 0o600 })
    await writeFile(join(rootDirectory, 'intermediate.pem'), certificate)
    await writeFile(join(rootDirectory, 'intermediate.next.key'), newKey, { mode: 0o600 })
    assert.equal((await loadAuthority(rootDirectory, NOW)).intermediate.pem, want, name)
  }
  assert.ok(!(await readdir(rootDirectory)).includes('intermediate.next.key'))
  await rm(fresh, { recursive: true })
})
