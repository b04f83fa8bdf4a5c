import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { describeCommand } from '../../cli/commands/describe.js'
import { EXIT } from '../../cli/exit.js'
import { eventually, startControlPlane } from './control-plane.js'

const CATALOG = 'kind: catalog\nservice: alpha\nprotocol: tcp\ninstances: [{ address: 10.0.0.1, port: 1000 }]\n'

test('mesh describe service asks a control plane, and names a near service for an unknown one', async (t) => {
  const controlPlane = await startControlPlane(t)
  await writeFile(join(controlPlane.directory, 'catalog.d', 'a.yaml'), CATALOG)
  await eventually(async () => assert.match(JSON.stringify(await controlPlane.ask('GET', '/v1/services')), /alpha/))
  const run = async (service: string) => {
    let printed = ''
    const program = new Command('mesh')
    describeCommand(program, (text) => {
      printed += text
    })
    await program.parseAsync(['describe', 'service', service, '--socket', controlPlane.socket], { from: 'user' })
    return printed
  }
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
