import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { openSession } from '../../agent/control-plane/calls.js'
import { describeCommand } from '../../cli/commands/describe.js'
import { EXIT } from '../../cli/exit.js'
import { type AgentMessage, Health } from '../../common/proto/mesh/v1/mesh_pb.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane } from './control-plane.js'
import { envoyReport, hostReport, reportOf } from './reports.js'

const CATALOG = 'kind: catalog\nservice: alpha\nprotocol: tcp\ninstances: [{ address: 10.0.0.1, port: 1000 }]\n'

test('mesh describe service asks a control plane, and names a near service for an unknown one', async (t) => {
  const controlPlane = await startControlPlane(t)
  await writeFile(join(controlPlane.directory, 'catalog.d', 'a.yaml'), CATALOG)
  await eventually(async () => assert.match(JSON.stringify(await controlPlane.ask('GET', '/v1/services')), /alpha/))
  const run = (service: string) => describe(controlPlane, service)
  const printed = await run('alpha')
  assert.match(printed, /timeouts\.connect +5s +default/)
  assert.match(printed, /10\.0\.0\.1:1000 .*file catalog\.d\/a\.yaml:4/)
  assert.doesNotMatch(printed, /timeouts\.request/)
  assert.match(printed, /nothing is refused: its instances are outside the mesh/)
  const route = 'kind: route\nservice: alpha\nrules: [{ to: { subset: none } }]\n'
  await writeFile(join(controlPlane.directory, 'mesh.d', 'r.yaml'), route)
  await eventually(async () => assert.match(await run('alpha'), /error +mesh\.d\/r\.yaml:3:\d+ .*none/))
  assert.match(
    await run('alpha'),
    /main +rule-1 +every connection +to subset none of alpha .* no +mesh\.d\/r\.yaml:3 +its document is left out/,
  )
  assert.match(await run('alpha'), /main +- +every connection +to alpha\/main .* default/)
  await writeFile(join(controlPlane.directory, 'mesh.d', 'r.yaml'), route.replace('subset: none', 'service: alpha'))
  await eventually(async () =>
    assert.match(await run('alpha'), /main +rule-1 +every connection +to alpha\/main .* yes +mesh\.d\/r\.yaml:3/),
  )
  assert.doesNotMatch(await run('alpha'), /main +- +every connection/)
  await assert.rejects(run('alhpa'), { exitCode: EXIT.noSuchFile, hint: 'did you mean alpha?' })
})

test('what agents report and operators do is told of a service: a failed check, a host without the right, a ban', async (t) => {
  const controlPlane = await startControlPlane(t)
  const report = async (host: string, granted: readonly string[], services: AgentMessage) => {
    const session = openSession(connectAs(t, controlPlane, await joinHost(t, controlPlane, host, granted)))
    session.on('error', () => undefined)
    for (const message of [hostReport(), envoyReport(), services]) session.write(message)
  }
  const pay = { service: 'payments', source: 'services.d/pay.yaml:2' }
  const failing = { ...pay, health: Health.CRITICAL, healthDetail: 'HTTP 503 \u001b[31m' }
  await report('pay-1', ['payments'], reportOf(failing))
  await report('web-1', ['web'], reportOf(pay))
  const told = (want: RegExp) =>
    eventually(async () => assert.match(await describe(controlPlane, 'payments'), want), 20_000)
  await told(/pay-1 .*critical .*agent pay-1 services\.d\/pay\.yaml:2 +no +its check fails: HTTP 503 {2}\[31m\n/)
  await told(/NO INSTANCE OF +BECAUSE\nweb-1 +host web-1 may not run the service payments\n/)
  await told(/http +- +every request +to payments\/http .*no instance of payments\/http can be called/)
  await controlPlane.ask('POST', '/v1/hosts/pay-1/ban', { reason: 'stolen' })
  await controlPlane.ask('POST', '/v1/hosts/web-1/evict', {})
  await told(/No instance is known\.\n\nNO INSTANCE OF +BECAUSE\npay-1 +it is banned since [-0-9T:.]+Z: stolen\n\n/)
})

/** What the command prints. */
async function describe({ socket }: TestControlPlane, service: string): Promise<string> {
  let printed = ''
  const program = new Command('mesh')
  describeCommand(program, (text) => {
    printed += text
  })
  await program.parseAsync(['describe', 'service', service, '--socket', socket], { from: 'user' })
  return printed
}
