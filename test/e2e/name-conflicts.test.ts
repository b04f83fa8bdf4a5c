import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { StatusView } from '../../common/admin-api.js'
import { CLIENTS_DIRECTORY } from '../lab/clients.js'
import { type Namespace, namespaceOrSkip } from '../lab/namespace.js'
import { toolOrSkip } from '../lab/tools.js'
import { placeFile } from './files.js'
import { type LabHost, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

const HOST: LabHost = { ...WEB, names: { dns: '127.0.0.1:53' } }

/** A service without an agent: where it is, and the ports that it has in turn. */
const THING = '127.0.3.200'
const [PORT, NEXT_PORT] = [9200, 9201] as const

/** An address that other hosts could reach. */
const OUTSIDE = '10.77.0.1'

let namespace: Namespace
let lab: MeshLab
let missing: string | undefined

before(async () => {
  const skip = (reason?: string) => (missing = reason)
  for (const tool of ['python3', 'ip'] as const) if ((await toolOrSkip({ skip }, tool)) === undefined) return
  const found = await namespaceOrSkip({ skip })
  if (found === undefined) return
  namespace = found
  await namespace.run('ip', ['address', 'add', `${OUTSIDE}/32`, 'dev', 'lo'])
  await serve(WEB.address, 8080, 'web')
  for (const port of [PORT, NEXT_PORT]) await serve(THING, port, 'thing')
  lab = await MeshLab.start({ hosts: [HOST], within: namespace.within })
  await namespace.resolveWith('nameserver 127.0.0.1\n')
})

after(async () => {
  await lab?.end()
  if (missing === undefined) await namespace.end()
})

test('a program on all addresses takes its port from a name, and is told with host, service, port and process', async () => {
  const stranger = await serve('0.0.0.0', PORT, 'a stranger')
  await placeFile(lab.files.catalog('thing.yaml'), catalog(PORT))
  const told = `thing.mesh:${PORT} is not found on this host: python3 (${stranger.pid}) listens on port ${PORT} of all addresses`
  await until('the host to be told of it', async () => (await lab.hostView(HOST)).notes.includes(told))
  assert.ok((await lab.mesh('hosts')).includes(told))
  await until('nothing to be wrong but that', async () => {
    assert.ok((await lab.mesh('status')).includes(`notice: ${HOST.name}: ${told} (with names.mode: redirect`))
    return true
  })
  assert.equal(await hear('thing.mesh', 80), 'thing', 'port 80 of the same service is in nobody’s way')
  await namespace.stop(stranger)
  await until('the name to be back', async () => (await hear('thing.mesh', PORT)) === 'thing')
  assert.deepEqual((await lab.hostView(HOST)).notes, [])
})

test('a program that comes after Envoy cannot have the port on all addresses, and can on one', async () => {
  const words = [join(CLIENTS_DIRECTORY, 'python/serve.py'), '0.0.0.0', `${PORT}`, 'late']
  assert.match((await namespace.run('python3', words)).output, /Address already in use/)
  const onOne = await serve('127.0.0.1', PORT, 'late')
  assert.equal(await hear('127.0.0.1', PORT), 'late')
  await namespace.stop(onOne)
})

test('a listener that Envoy refuses because its address is in use is told with what to do, and tried again when that is free', async () => {
  const { output } = await namespace.run('getent', ['ahostsv4', 'thing.mesh'])
  const [address = ''] = output.split(' ')
  const stranger = await serve(address, NEXT_PORT, 'a stranger')
  await placeFile(lab.files.catalog('thing.yaml'), catalog(NEXT_PORT))
  await until('Envoy to refuse the listener', async () => {
    const { problems } = await lab.ask<StatusView>('/v1/status')
    const refused = problems.find(({ code }) => code === 'MSH0501')
    assert.match(refused?.message ?? '', /name\/thing\/main\/9201 .*Address already in use/)
    assert.match(refused?.hint ?? '', /a program of that host listens there/)
    return true
  })
  assert.equal(await hear('thing.mesh', 80), 'thing')
  await namespace.stop(stranger)
  await until('Envoy to listen', async () => (await hear('thing.mesh', NEXT_PORT)) === 'thing')
  await until('Envoy to refuse nothing', async () => (await lab.hostView(HOST)).sync === 'SYNCED')
})

test('a service that other hosts reach around the mesh is told, until it is on loopback alone', async () => {
  const told = `web listens on ${OUTSIDE}:8080: other hosts reach it there around the mesh, in plain text`
  assert.deepEqual((await lab.hostView(HOST)).notes, [])
  const exposed = await serve(OUTSIDE, 8080, 'web')
  await until('the host to be told of it', async () => (await lab.hostView(HOST)).notes.includes(told))
  assert.ok(
    (await lab.mesh('status')).includes(`notice: ${HOST.name}: ${told} (have it listen on 127.0.0.1) [MSH0505]`),
  )
  await namespace.stop(exposed)
  await until('the host to be content', async () => (await lab.hostView(HOST)).notes.length === 0)
})

/** A test that is skipped where the lab could not be had. */
function test(name: string, run: () => Promise<void>): void {
  it(name, async (t) => {
    if (missing !== undefined) return t.skip(missing)
    await run()
  })
}

function serve(address: string, port: number, text: string) {
  return namespace.start('python3', [join(CLIENTS_DIRECTORY, 'python/serve.py'), address, `${port}`, text])
}

/** What answers at a name or address: what it says, or why nothing does. */
async function hear(name: string, port: number): Promise<string> {
  const words = [join(CLIENTS_DIRECTORY, 'node/client.mjs'), name, `${port}`, 'any']
  const { output } = await namespace.run(process.execPath, words)
  const [, said] = /^body (.*)$/m.exec(output) ?? /^answer (.*)$/m.exec(output) ?? /^error (.*)$/m.exec(output) ?? []
  return said ?? output
}

function catalog(port: number): string {
  return `kind: catalog
service: thing
protocol: http
instances:
  - { address: ${THING}, port: ${port} }
`
}
