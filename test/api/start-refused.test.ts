import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit.js'
import { atEnd } from '../lab/at-end.js'
import { startControlPlane, temporaryDirectory } from './control-plane.js'
import { mesh } from './mesh-command.js'
import { TRUST_DOMAIN } from './watched-log.js'

const INVALID = 'kind: authorization\nservice: pay\nalow: []\n'

test('a control plane ends with 78 where its state is damaged, or it would open what a document closes', async (t) => {
  const { directory, stop } = await startControlPlane(t)
  await stop()
  const settings = join(directory, 'controlplane.yaml')
  const documents = join(directory, 'new.d')
  await writeFile(settings, settingsText(directory, documents))
  await writeFile(join(directory, 'mesh.d', 'pay.yaml'), INVALID)
  await writeFile(join(directory, 'last-good-documents.json'), 'damaged')
  const open = await run(settings)
  assert.equal(open.code, EXIT.configuration, open.printed)
  assert.match(open.printed, /^mesh: mesh\.d\/pay\.yaml:1: the authorization document is not understood/m)
  await writeFile(join(directory, 'hosts.json'), '{ "hosts": [')
  const damaged = await run(settings)
  assert.equal(damaged.code, EXIT.configuration, damaged.printed)
  assert.match(damaged.printed, /^mesh: .*hosts\.json: damaged; restore it from a backup/m)
})

test('a second control plane with the state of one that runs is refused with 75, and writes nothing', async (t) => {
  const { directory, ask } = await startControlPlane(t)
  const settings = join(await temporaryDirectory(t), 'controlplane.yaml')
  await writeFile(settings, settingsText(directory, join(directory, 'catalog.d')))
  const before = await contentOf(directory)
  const own = ['--set', `admin.socket=${join(directory, 'other.sock')}`]
  const { code, printed } = await run(settings, ...own)
  assert.equal(code, EXIT.tryAgain, printed)
  assert.match(printed, /^mesh: another control plane runs on this host, with the same directory .*\nhint: /)
  assert.doesNotMatch(printed, /certificate issued/)
  assert.deepEqual(await contentOf(directory), before)
  await ask('GET', '/v1/status')
})

test('the admin socket of a control plane that answers is not taken by another one', async (t) => {
  const first = await startControlPlane(t)
  const second = await temporaryDirectory(t)
  const settings = join(second, 'controlplane.yaml')
  await writeFile(settings, settingsText(second, join(second, 'catalog.d')))
  const { code, printed } = await run(settings, '--set', `admin.socket=${first.socket}`)
  assert.equal(code, EXIT.tryAgain, printed)
  assert.match(printed, /^mesh: another control plane, or another program, answers at the admin socket .*admin\.sock$/m)
  assert.deepEqual(await contentOf(second), ['controlplane.yaml'], 'nothing was written')
  await first.ask('GET', '/v1/status')
})

for (const [name, wrong, told] of [
  [
    'trust domain',
    'trustDomain=other.example',
    /^mesh: the CA in .*ca is of \S+, and the settings say trustDomain: other/m,
  ],
  ['control plane', 'id=cp-9', /^mesh: the intermediate in .*ca is that of cp-1, and the settings say id: cp-9/m],
] as const) {
  test(`a control plane with the CA of another ${name} ends with 78, and mesh validate finds it`, async (t) => {
    const { directory, stop } = await startControlPlane(t)
    await stop()
    const settings = join(directory, 'controlplane.yaml')
    await writeFile(settings, settingsText(directory, join(directory, 'catalog.d')))
    const { code, printed } = await run(settings, '--set', wrong)
    assert.equal(code, EXIT.configuration, printed)
    assert.match(printed, told)
    const text = settingsText(directory, join(directory, 'catalog.d')).replace(/^trustDomain: .*\n/, '')
    const [key, value] = wrong.split('=')
    const domain = key === 'trustDomain' ? '' : `trustDomain: ${TRUST_DOMAIN}\n`
    await writeFile(settings, `${key}: ${value}\n${domain}${text}`)
    const found = await mesh('validate', '--config', settings, '--agent', join(directory, 'none.yaml'))
    assert.equal(found.code, EXIT.invalidInput, found.printed)
    assert.match(found.printed, /controlplane\.yaml:1:1: the (?:CA|intermediate) in .* \[MSH0602\]/)
  })
}

for (const setting of ['listen', 'admin.http']) {
  test(`a control plane that cannot have the port of ${setting} ends with 75, and has issued nothing`, async (t) => {
    const { directory, stop } = await startControlPlane(t)
    await stop()
    const settings = join(directory, 'controlplane.yaml')
    await writeFile(settings, settingsText(directory, join(directory, 'catalog.d')))
    const other = createServer()
    await once(other.listen(0, '127.0.0.1'), 'listening')
    atEnd(t, () => void other.close())
    const { port } = other.address() as AddressInfo
    const { code, printed } = await run(settings, '--set', `${setting}=127.0.0.1:${port}`)
    assert.equal(code, EXIT.tryAgain, printed)
    assert.match(printed, /^mesh: .*EADDRINUSE/m)
    assert.doesNotMatch(printed, /"audit":true/)
  })
}

test('an admin socket at which nobody answers is replaced', async (t) => {
  const { directory, stop } = await startControlPlane(t)
  await stop()
  await leaveSocket(join(directory, 'admin.sock'))
  const again = await startControlPlane(t, { directory })
  await again.ask('GET', '/v1/status')
})

/** What a killed control plane leaves: a socket of a process that is gone. */
async function leaveSocket(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await new Promise((resolve) => execFile(process.execPath, ['--eval', script], resolve))
  assert.ok((await stat(path)).isSocket())
}

async function contentOf(directory: string): Promise<readonly string[]> {
  return (await readdir(directory, { recursive: true })).sort()
}

function settingsText(directory: string, documents: string): string {
  return `trustDomain: ${TRUST_DOMAIN}
listen: 127.0.0.1:1
admin: { socket: ${join(directory, 'admin.sock')}, http: off }
config: [${join(directory, 'mesh.d')}]
discovery: { files: ${documents} }
state: { directory: ${directory} }
`
}

/** Runs a control plane that is not expected to start. */
function run(settings: string, ...more: readonly string[]): ReturnType<typeof mesh> {
  return mesh('controlplane', '--config', settings, ...more)
}
