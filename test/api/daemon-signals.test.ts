import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askControlPlane } from '../../cli/admin-client.js'
import { EXIT } from '../../cli/exit.js'
import type { StatusView } from '../../common/admin-api.js'
import { freePort } from '../agent/real-envoy.js'
import { eventually, startControlPlane, temporaryDirectory } from './control-plane.js'
import { runDaemon } from './daemon-process.js'
import { TRUST_DOMAIN } from './watched-log.js'

/** Settings of a control plane with a CA that listens at a port that nobody has. */
async function settingsFile(t: TestContext): Promise<{ readonly settings: string; readonly socket: string }> {
  const { directory, stop } = await startControlPlane(t)
  await stop()
  const settings = join(directory, 'controlplane.yaml')
  const socket = join(directory, 'admin.sock')
  const port = await freePort()
  await writeFile(
    settings,
    `trustDomain: ${TRUST_DOMAIN}
listen: 127.0.0.1:${port}
admin: { socket: ${socket}, http: off }
config: [${join(directory, 'mesh.d')}]
discovery: { files: ${join(directory, 'catalog.d')} }
state: { directory: ${directory} }
`,
  )
  return { settings, socket }
}

test('SIGHUP does not end a control plane, and its log says why nothing happens; it logs that it has stopped', async (t) => {
  const { settings, socket } = await settingsFile(t)
  const daemon = runDaemon(t, ['controlplane', '--config', settings])
  await daemon.logs(/"control plane runs"/)
  daemon.signal('SIGHUP')
  await daemon.logs(/SIGHUP changes nothing: .*followed by themselves/)
  await eventually(() => askControlPlane<StatusView>(socket, 'GET', '/v1/status'))
  daemon.signal('SIGTERM')
  assert.equal(await daemon.ended, EXIT.ok)
  assert.match(daemon.printed(), /"control plane has stopped"/)
})

test('a control plane listens where its settings say, whatever the commands in that shell talk to', async (t) => {
  const { settings, socket } = await settingsFile(t)
  const others = join(await temporaryDirectory(t), 'other.sock')
  const daemon = runDaemon(t, ['controlplane', '--config', settings], { MESH_ADMIN_SOCKET: others })
  await daemon.logs(/"control plane runs"/)
  assert.match(daemon.printed(), /MESH_ADMIN_SOCKET is for the commands/)
  await eventually(() => askControlPlane<StatusView>(socket, 'GET', '/v1/status'))
  await assert.rejects(askControlPlane(others, 'GET', '/v1/status'), { exitCode: EXIT.unreachable })
})
