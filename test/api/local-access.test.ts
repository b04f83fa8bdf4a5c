import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { IdentityStore } from '../../agent/identity/store.js'
import { joinBy } from './callers.js'
import { startControlPlane, temporaryDirectory } from './control-plane.js'

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('the admin socket is for its owner and group alone', async (t) => {
  const { socket } = await startControlPlane(t)
  assert.equal(await modeOf(socket), '660')
})

test('the keys of a host, and its directory of them, are for its owner alone', async (t) => {
  const controlPlane = await startControlPlane(t)
  const state = await temporaryDirectory(t)
  await joinBy(new IdentityStore(state), 'web-1', await controlPlane.createToken({ host: 'web-1', services: [] }))
  const directory = join(state, 'identity')
  const files = await readdir(directory)
  assert.ok(files.includes('host.pem'))
  assert.equal(await modeOf(directory), '700')
  for (const file of files) assert.equal(await modeOf(join(directory, file)), '600', file)
})
