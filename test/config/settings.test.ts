import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { agentSettings } from '../../agent/settings-schema.js'
import { loadSettings } from '../../common/config/settings.js'
import { formatProblem } from '../../common/problem.js'
import { MESH } from '../docs/read-example.js'

const run = promisify(execFile)

async function load(text: string, environment: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-settings-'))
  const file = join(directory, 'agent.yaml')
  try {
    await writeFile(file, text)
    const { settings, problems } = await loadSettings(agentSettings, file, environment, flags)
    return { settings, problems: problems.map((one) => formatProblem(one).replace(file, 'agent.yaml')) }
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('a flag counts before the environment, the environment before the file, the file before the default', async () => {
  const file = 'envoy: { drainTime: 3s, concurrency: 4 }\nnames: { enabled: false }\n'
  const environment = { MESH_ENVOY_DRAIN_TIME: '2s', MESH_CONTROL_PLANES: '["10.0.0.2:15012"]' }
  const drainTimes = [
    (await load('')).settings,
    (await load(file)).settings,
    (await load(file, environment)).settings,
    (await load(file, environment, ['envoy.drainTime=1s'])).settings,
  ].map((settings) => settings?.envoy.drainTime)
  assert.deepEqual(drainTimes, [30_000, 3000, 2000, 1000])
  const { settings } = await load(file, environment, ['envoy.drainTime=1s', 'labels={ rack: r7 }'])
  assert.equal(settings?.envoy.concurrency, 4)
  assert.equal(settings?.names.enabled, false)
  assert.deepEqual(settings?.controlPlanes, [{ address: '10.0.0.2', port: 15012 }])
  assert.deepEqual(settings?.labels, { rack: 'r7' })
})

test('what is wrong is told where it was written: the line, the variable, or the flag', async () => {
  const wrong = async (...parameters: Parameters<typeof load>) => (await load(...parameters)).problems.join('\n')
  assert.match(await wrong('host: web-1\nenvoy: { drainTime: 5 }\n'), /^agent\.yaml:2:10: envoy\.drainTime: .*"5s"/)
  assert.match(
    await wrong('', { MESH_ENVOY_DRAIN_TIME: '5' }),
    /^\$MESH_ENVOY_DRAIN_TIME:1:1: envoy\.drainTime: .*"5s"/,
  )
  assert.match(await wrong('', {}, ['envoy.drainTim=5s']), /^--set envoy\.drainTim:1:1: .*did you mean `drainTime`/)
  assert.match(await wrong('', {}, ['logLevel']), /^--set logLevel:1:1: logLevel: /)
  assert.match(await wrong('', {}, ['__proto__.x=1']), /unknown key/)
  assert.match(await wrong('a: 1\n---\nb: 2\n'), /:3:1: a settings file holds one document/)
})

test('a settings file of 200 MB, a directory and text that is not UTF-8 are refused by their name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-settings-'))
  try {
    const huge = join(directory, 'huge.yaml')
    await writeFile(huge, '')
    await truncate(huge, 200_000_000)
    const latin = join(directory, 'latin.yaml')
    await writeFile(latin, Buffer.from('host: m\xfcller\n', 'latin1'))
    const told = async (file: string) =>
      (await loadSettings(agentSettings, file, {})).problems.map(formatProblem).join()
    assert.match(await told(huge), /huge\.yaml:1:1: larger than 1 MiB/)
    assert.match(await told(latin), /latin\.yaml:1:8: not UTF-8 text: the byte 0xFC/)
    assert.match(await told(directory), /is not a file/)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('mesh config defaults lists every setting once, and each by its environment variable is taken', async () => {
  const { stdout } = await run(process.execPath, [MESH, 'config', 'defaults', '-o', 'json'])
  const settings = JSON.parse(stdout) as { daemon: string; key: string; environment: string; default: unknown }[]
  const names = settings.map(({ daemon, key }) => `${daemon} ${key}`)
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.includes('agent envoy.drainTime') && names.includes('controlplane ca.leafTtl'))
  assert.equal(settings.find(({ key }) => key === 'envoy.drainTime')?.default, '30s')
  const written = settings.filter(({ daemon, default: value }) => daemon === 'agent' && value !== undefined)
  const environment = Object.fromEntries(written.map((one) => [one.environment, JSON.stringify(one.default)]))
  assert.equal(settings.find(({ key }) => key === 'admin.socket')?.environment, '', 'that variable is for the commands')
  const bare = await load('')
  assert.deepEqual(await load('', environment), bare)
})

test('mesh config schema lists, prints, writes and refuses', async () => {
  const mesh = (...words: readonly string[]) => run(process.execPath, [MESH, 'config', 'schema', ...words])
  assert.match((await mesh()).stdout, /^route +What happens to a request/m)
  const route = JSON.parse((await mesh('route')).stdout) as { $schema: string }
  assert.equal(route.$schema, 'http://json-schema.org/draft-07/schema#')
  const directory = await mkdtemp(join(tmpdir(), 'mesh-schemas-'))
  try {
    assert.match((await mesh('--all', '--out', directory)).stdout, /wrote \d+ schemas/)
  } finally {
    await rm(directory, { recursive: true })
  }
  await assert.rejects(mesh('banana'), { code: 64 })
  await assert.rejects(mesh('--all'), { code: 64 })
})
