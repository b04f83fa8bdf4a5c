import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../cli/exit.js'
import { MESH } from '../docs/read-example.js'
import { startControlPlane } from './control-plane.js'
import { TRUST_DOMAIN } from './watched-log.js'

const INVALID = 'kind: authorization\nservice: pay\nalow: []\n'

test('a control plane ends with 78 where its state is damaged, or it would open what a document closes', async (t) => {
  const { directory, stop } = await startControlPlane(t)
  await stop()
  const settings = join(directory, 'controlplane.yaml')
  const documents = join(directory, 'new.d')
  await writeFile(
    settings,
    `trustDomain: ${TRUST_DOMAIN}
listen: 127.0.0.1:1
admin: { socket: ${join(directory, 'admin.sock')}, http: off }
config: [${join(directory, 'mesh.d')}]
discovery: { files: ${documents} }
state: { directory: ${directory} }
`,
  )
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

/** Runs a control plane that is not expected to start. */
function run(settings: string): Promise<{ readonly code: number; readonly printed: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MESH, 'controlplane', '--config', settings], { timeout: 20_000 }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), printed: `${out}${err}` }),
    )
  })
}
