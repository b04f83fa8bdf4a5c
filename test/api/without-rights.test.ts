import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit.js'
import { MESH } from '../docs/read-example.js'
import { startControlPlane, temporaryDirectory } from './control-plane.js'

/** A user without any rights, where the tests run as root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

const AGENT = (root: string) =>
  ['stateDirectory', 'runDirectory', 'envoyRunDirectory'].map((key) => `${key}: ${join(root, key)}\n`).join('')

const CONTROL_PLANE = (root: string) =>
  `trustDomain: mesh.example\nadmin: { socket: ${join(root, 'admin.sock')} }\nstate: { directory: ${join(root, 'state')} }\n`

const COMMANDS = [
  ['agent', AGENT, ['agent'], 'stateDirectory'],
  ['join', AGENT, ['join', '--token-file'], 'stateDirectory'],
  ['controlplane', CONTROL_PLANE, ['controlplane'], 'state.directory'],
  ['ca init', CONTROL_PLANE, ['ca', 'init'], 'ca.directory'],
] as const

for (const [name, text, words, setting] of COMMANDS) {
  test(`mesh ${name} without rights says in one line where, which setting moves it, and ends with 77`, async (t) => {
    const { createToken } = await startControlPlane(t)
    const directory = await temporaryDirectory(t)
    await chmod(directory, 0o755)
    const root = join(directory, 'root')
    // Not even root of a test may write there: it runs as somebody else.
    await mkdir(root, { mode: 0o555 })
    const settings = join(directory, 'settings.yaml')
    await writeFile(settings, text(root), { mode: 0o644 })
    const token = join(directory, 'token')
    await writeFile(token, await createToken({ host: 'web-1', services: [] }), { mode: 0o644 })
    const command = [MESH, ...words, ...(name === 'join' ? [token] : []), '--config', settings]
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: 20_000, ...NOBODY })
    assert.equal(status, EXIT.permission, stderr)
    const [line, hint, ...more] = stderr.trimEnd().split('\n')
    assert.match(line ?? '', new RegExp(`^mesh: this user may not write or read ${root}`))
    assert.match(hint ?? '', new RegExp(`^hint: \`${setting}\` .*moves it; or run it as the user`))
    assert.deepEqual(more, [])
  })
}
