import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exportPrivateKey, generateKeyPair, importPrivateKey } from '../../common/x509/keys.js'
import { parseCertificate } from '../../common/x509/parse-certificate.js'
import { encodePem } from '../../common/x509/pem.js'
import { type Authority, initAuthority, loadAuthority } from '../../controlplane/ca/authority.js'
import { AuthorityError, type AuthorityReason } from '../../controlplane/ca/authority-error.js'
import { buildIntermediate, INTERMEDIATE_LIFE_MS } from '../../controlplane/ca/ca-certificate.js'
import { NOW, openssl, TRUST_DOMAIN, temporaryDirectory } from './fixtures.js'

const FILES = ['bundle.pem', 'intermediate.key', 'intermediate.pem', 'root.key', 'root.pem']
const OPTIONS = { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1', now: NOW }

async function made(t: TestContext): Promise<{ directory: string; authority: Authority }> {
  const directory = join(await temporaryDirectory(t), 'ca')
  return { directory, authority: await initAuthority(directory, OPTIONS) }
}

function refusedFor(reason: AuthorityReason, text: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof AuthorityError, String(error))
    assert.equal(error.reason, reason, error.message)
    assert.match(error.message, text)
    return true
  }
}

test('a new CA lies in a directory of its owner alone, in files of its owner alone', async (t) => {
  const { directory } = await made(t)
  assert.deepEqual((await readdir(directory)).sort(), FILES)
  assert.equal((await stat(directory)).mode & 0o777, 0o700)
  for (const name of FILES) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name)
})

test('a CA that was made is the one that is loaded', async (t) => {
  const { directory, authority } = await made(t)
  const loaded = await loadAuthority(directory, NOW)
  assert.equal(loaded.trustDomain, TRUST_DOMAIN)
  assert.deepEqual(loaded.root.der, authority.root.der)
  assert.deepEqual(loaded.intermediate.der, authority.intermediate.der)
  assert.equal(
    loaded.rootFingerprint,
    new X509Certificate(loaded.root.der).fingerprint256.replaceAll(':', '').toLowerCase(),
  )
})

test('openssl verifies the intermediate strictly and prints the profile', async (t) => {
  const { authority } = await made(t)
  const files = { 'root.pem': authority.root.pem, 'intermediate.pem': authority.intermediate.pem }
  const at = ['-attime', String(NOW / 1000)]
  const verified = await openssl(t, files, [
    'verify',
    '-x509_strict',
    ...at,
    '-CAfile',
    'root.pem',
    'root.pem',
    'intermediate.pem',
  ])
  assert.equal(verified, 'root.pem: OK\nintermediate.pem: OK\n')
  const print = (name: string) => openssl(t, files, ['x509', '-in', name, '-noout', '-text'])
  for (const text of [await print('root.pem'), await print('intermediate.pem')]) {
    assert.match(text, /Version: 3/)
    assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/)
    assert.match(text, /Key Usage: critical\n +Certificate Sign, CRL Sign\n/)
    assert.match(text, /Alternative Name: ?\n +URI:spiffe:\/\/mesh\.example\n/)
    assert.match(text, /Subject Key Identifier/)
    assert.match(text, /Authority Key Identifier/)
  }
  assert.match(await print('root.pem'), /Basic Constraints: critical\n +CA:TRUE\n/)
  assert.match(await print('intermediate.pem'), /Basic Constraints: critical\n +CA:TRUE, pathlen:0\n/)
})

test('a CA is valid from two minutes ago: the root for ten years, the intermediate for 90 days', async (t) => {
  const { authority } = await made(t)
  const { root, intermediate } = authority
  for (const { certificate } of [root, intermediate]) assert.equal(certificate.notBefore, NOW - 120_000)
  assert.equal(root.certificate.notAfter - root.certificate.notBefore, 3650 * 86_400_000)
  assert.equal(intermediate.certificate.notAfter - intermediate.certificate.notBefore, 90 * 86_400_000)
})

test('an intermediate never outlives the root', async (t) => {
  const { authority, directory } = await made(t)
  const rootKey = importPrivateKey(await readFile(join(directory, 'root.key'), 'utf8'))
  const late = authority.root.certificate.notAfter - 86_400_000
  const der = buildIntermediate(
    OPTIONS,
    generateKeyPair().privateKey,
    { ...authority.root.certificate, key: rootKey },
    late,
  )
  assert.equal(parseCertificate(der).notAfter, authority.root.certificate.notAfter)
})

test('a CA is never overwritten, not even a part of one', async (t) => {
  for (const name of FILES) {
    const { directory } = await made(t)
    for (const other of FILES) if (other !== name) await rm(join(directory, other))
    const before = await readFile(join(directory, name), 'utf8')
    await assert.rejects(initAuthority(directory, OPTIONS), refusedFor('exists', new RegExp(`${name} exists already`)))
    assert.deepEqual(await readdir(directory), [name])
    assert.equal(await readFile(join(directory, name), 'utf8'), before)
  }
})

test('of several that make a CA in one directory at once, one has it and the others are refused', async (t) => {
  const directory = join(await temporaryDirectory(t), 'ca')
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => initAuthority(directory, OPTIONS)))
  const refused = results.filter((result) => result.status === 'rejected')
  assert.equal(refused.length, 9)
  for (const { reason } of refused) assert.ok(refusedFor('exists', /exists already/)(reason))
  await loadAuthority(directory, NOW)
})

test('a name that appears after the first look, such as a link to nowhere, is not written through', async (t) => {
  const directory = await temporaryDirectory(t)
  const target = join(directory, 'elsewhere')
  await mkdir(join(directory, 'ca'))
  await symlink(target, join(directory, 'ca', 'root.key'))
  await assert.rejects(initAuthority(join(directory, 'ca'), OPTIONS), refusedFor('exists', /root\.key exists already/))
  await assert.rejects(stat(target))
})

test('a CA is not made for something that is no trust domain', async (t) => {
  const directory = join(await temporaryDirectory(t), 'ca')
  for (const trustDomain of ['', 'Mesh.example', 'mesh.example/x', 'a..b']) {
    await assert.rejects(
      initAuthority(directory, { ...OPTIONS, trustDomain }),
      refusedFor('malformed', /not a DNS name/),
    )
  }
})

test("the root's key may be kept elsewhere", async (t) => {
  const { directory } = await made(t)
  await rm(join(directory, 'root.key'))
  assert.equal((await loadAuthority(directory, NOW)).trustDomain, TRUST_DOMAIN)
})

test('a CA that is not there is not made, and the message tells the command', async (t) => {
  const directory = join(await temporaryDirectory(t), 'ca')
  await assert.rejects(loadAuthority(directory, NOW), refusedFor('missing', /mesh ca init/))
  await assert.rejects(stat(directory))
})

type Damage = (directory: string, other: string) => Promise<unknown>
const swap =
  (...names: readonly string[]): Damage =>
  (directory, other) =>
    Promise.all(names.map((name) => copyFile(join(other, name), join(directory, name))))
const write =
  (name: string, text: string): Damage =>
  (directory) =>
    writeFile(join(directory, name), text)
const rsaLike = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'

const DAMAGES: readonly (readonly [name: string, damage: Damage, reason: AuthorityReason, text: RegExp])[] = [
  ['lacks its intermediate', (d) => rm(join(d, 'intermediate.pem')), 'missing', /intermediate\.pem does not exist/],
  [
    'lacks the key of its intermediate',
    (d) => rm(join(d, 'intermediate.key')),
    'missing',
    /intermediate\.key does not/,
  ],
  ['lacks its bundle', (d) => rm(join(d, 'bundle.pem')), 'missing', /bundle\.pem does not exist/],
  ["has another root's key", swap('root.key'), 'key-mismatch', /root\.key is not the key/],
  ["has another intermediate's key", swap('intermediate.key'), 'key-mismatch', /intermediate\.key is not the key/],
  [
    'has an intermediate of another root',
    swap('intermediate.key', 'intermediate.pem'),
    'not-chained',
    /intermediate\.pem is not/,
  ],
  ['has the root in place of its intermediate', rootAsIntermediate, 'not-chained', /may sign other CAs/],
  ['has the bundle of another', swap('bundle.pem'), 'not-in-bundle', /does not hold the root/],
  ['has a root that is no PEM', write('root.pem', 'hello'), 'malformed', /root\.pem is not one certificate/],
  ['has a bundle that is no PEM', write('bundle.pem', 'hello'), 'malformed', /bundle\.pem is not a list/],
  ['has an empty intermediate', write('intermediate.pem', ''), 'malformed', /intermediate\.pem is not one/],
  ['has a key that is none', write('intermediate.key', rsaLike), 'malformed', /intermediate\.key: not a private key/],
  ['has a key that others can read', (d) => chmod(join(d, 'intermediate.key'), 0o640), 'permissions', /chmod 600/],
  [
    'has a root key that others can read',
    (d) => chmod(join(d, 'root.key'), 0o604),
    'permissions',
    /root\.key can be read/,
  ],
]

async function rootAsIntermediate(directory: string): Promise<void> {
  await copyFile(join(directory, 'root.key'), join(directory, 'intermediate.key'))
  await copyFile(join(directory, 'root.pem'), join(directory, 'intermediate.pem'))
}

for (const [name, damage, reason, text] of DAMAGES) {
  test(`a CA that ${name} is not loaded`, async (t) => {
    const { directory } = await made(t)
    await damage(directory, (await made(t)).directory)
    await assert.rejects(loadAuthority(directory, NOW), refusedFor(reason, text))
  })
}

test('an intermediate of the right name that another key signed is not loaded', async (t) => {
  const { directory, authority } = await made(t)
  const key = generateKeyPair().privateKey
  const forged = buildIntermediate(
    OPTIONS,
    key,
    { ...authority.root.certificate, key: generateKeyPair().privateKey },
    NOW,
  )
  await writeFile(join(directory, 'intermediate.pem'), encodePem('CERTIFICATE', forged))
  await writeFile(join(directory, 'intermediate.key'), exportPrivateKey(key))
  await assert.rejects(loadAuthority(directory, NOW), refusedFor('not-chained', /not signed by the root/))
})

test('an intermediate of another trust domain is not loaded', async (t) => {
  const { directory, authority } = await made(t)
  const key = generateKeyPair().privateKey
  const rootKey = importPrivateKey(await readFile(join(directory, 'root.key'), 'utf8'))
  const foreign = { ...OPTIONS, trustDomain: 'other.example' }
  const der = buildIntermediate(foreign, key, { ...authority.root.certificate, key: rootKey }, NOW)
  await writeFile(join(directory, 'intermediate.pem'), encodePem('CERTIFICATE', der))
  await writeFile(join(directory, 'intermediate.key'), exportPrivateKey(key))
  await assert.rejects(loadAuthority(directory, NOW), refusedFor('not-chained', /another trust domain/))
})

test('a CA is loaded from its first second to its last, and not outside of them', async (t) => {
  const { directory } = await made(t)
  const begin = NOW - 120_000
  await assert.rejects(loadAuthority(directory, begin - 1), refusedFor('not-yet-valid', /valid from/))
  await loadAuthority(directory, begin)
  await loadAuthority(directory, begin + INTERMEDIATE_LIFE_MS - 1)
  await assert.rejects(
    loadAuthority(directory, begin + INTERMEDIATE_LIFE_MS),
    refusedFor('expired', /intermediate\.pem expired/),
  )
})

test('a CA can be made in a directory that is there already and empty', async (t) => {
  const directory = join(await temporaryDirectory(t), 'ca')
  await mkdir(directory)
  assert.equal((await initAuthority(directory, OPTIONS)).trustDomain, TRUST_DOMAIN)
})
