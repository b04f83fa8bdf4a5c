import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { type LoadedConfig, openConfig } from '../../controlplane/config/watch.js'

interface Watched {
  readonly directory: string
  readonly state: string
  readonly loaded: Latest<LoadedConfig>
}

/** Watches a directory for the length of a test. */
async function watchIn(t: TestContext, root?: string): Promise<Watched> {
  const base = root ?? (await mkdtemp(join(tmpdir(), 'config-')))
  const directory = join(base, 'routes.d')
  const state = join(base, 'state')
  const { loaded, watch } = await openConfig([directory], state, silentLog)
  const end = new AbortController()
  const running = watch(end.signal)
  t.after(async () => {
    end.abort()
    await running
    if (root === undefined) await rm(base, { recursive: true, force: true })
  })
  return { directory, state, loaded }
}

const timeoutOf = (config: LoadedConfig, service: string) =>
  config.config.routes.get(service)?.get('')?.value.rules[0]?.timeout

const route = (service: string, timeout: string) =>
  `kind: route\nservice: ${service}\nrules:\n  - timeout: ${timeout}\n`

async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.tmp`, text)
  await rename(`${path}.tmp`, path)
}

const SOON = () => AbortSignal.timeout(8_000)

test('a directory that is made later is read, and a change of it is in effect', async (t) => {
  const { directory, loaded } = await watchIn(t)
  await mkdir(directory)
  await writeFile(join(directory, 'a.yaml'), route('a', '1s'))
  await waitFor(loaded, (value) => timeoutOf(value, 'a') === 1000, SOON())
  await put(join(directory, 'a.yaml'), route('a', '2s'))
  await waitFor(loaded, (value) => timeoutOf(value, 'a') === 2000, SOON())
  await unlink(join(directory, 'a.yaml'))
  await waitFor(loaded, (value) => value.config.routes.size === 0, SOON())
})

test('an invalid file beside a valid change keeps its last good version, also over a restart', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'config-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const directory = join(root, 'routes.d')
  await mkdir(directory)
  await writeFile(join(directory, 'a.yaml'), route('a', '1s'))
  await writeFile(join(directory, 'b.yaml'), route('b', '1s'))
  const { loaded } = await watchIn(t, root)
  await put(join(directory, 'a.yaml'), 'kind: route\nservice: a\nrules: [')
  await put(join(directory, 'b.yaml'), route('b', '2s'))
  const both = await waitFor(loaded, (value) => timeoutOf(value, 'b') === 2000 && value.problems.length > 0, SOON())
  assert.equal(timeoutOf(both, 'a'), 1000)
  assert.ok(both.problems.some(({ code, file }) => code === 'MSH0106' && file === 'routes.d/a.yaml'))
  const again = await openConfig([directory], join(root, 'state'), silentLog)
  assert.equal(timeoutOf(again.loaded.value, 'a'), 1000)
  assert.equal(timeoutOf(again.loaded.value, 'b'), 2000)
})

test('a semantic mistake holds its document and not the others of its file', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'config-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const directory = join(root, 'routes.d')
  await mkdir(directory)
  await writeFile(join(directory, 'a.yaml'), `${route('a', '1s')}---\n${route('b', '1s')}`)
  const { loaded } = await watchIn(t, root)
  await put(join(directory, 'a.yaml'), `${route('a', '5')}---\n${route('b', '2s')}`)
  const value = await waitFor(loaded, (one) => timeoutOf(one, 'b') === 2000, SOON())
  assert.equal(timeoutOf(value, 'a'), 1000)
})

test('of two routes for one service the one that was there first stays, and both places are named', async (t) => {
  const { directory, loaded } = await watchIn(t)
  await mkdir(directory)
  await writeFile(join(directory, 'z.yaml'), route('a', '1s'))
  await waitFor(loaded, (value) => timeoutOf(value, 'a') === 1000, SOON())
  await writeFile(join(directory, 'a.yaml'), route('a', '2s'))
  const value = await waitFor(loaded, ({ problems }) => problems.some(({ code }) => code === 'MSH0250'), SOON())
  assert.equal(timeoutOf(value, 'a'), 1000)
  const [problem] = value.problems
  assert.equal(problem?.file, 'routes.d/a.yaml')
  assert.match(problem?.message ?? '', /routes\.d\/z\.yaml:1/)
})

test('a directory that never was is a problem until it is made', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'config-'))
  const running = { stop: async () => {} }
  t.after(async () => {
    await running.stop()
    await rm(root, { recursive: true, force: true })
  })
  const [directory, state, end] = [join(root, 'meshd'), join(root, 'state'), new AbortController()]
  const { loaded, watch } = await openConfig([directory], state, silentLog)
  const told = () => loaded.value.problems.map(({ file, code, severity }) => `${file} ${code} ${severity}`)
  assert.deepEqual(told(), ['meshd MSH0101 error'])
  const watching = watch(end.signal)
  running.stop = async () => {
    end.abort()
    await watching
  }
  await mkdir(directory)
  await waitFor(loaded, () => told().length === 0, AbortSignal.timeout(10_000))
})
