import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StatusView } from '../../common/admin-api.js'
import { eventually, startControlPlane, type TestControlPlane } from './control-plane.js'

const catalog = (service: string, port: number) =>
  `kind: catalog\nservice: ${service}\nprotocol: tcp\ninstances: [{ address: 10.0.0.1, port: ${port} }]\n`

/** `<service>:<port>` of all services. */
async function served({ ask }: TestControlPlane): Promise<string> {
  const services = await ask<{ service: string; ports: { port: number }[] }[]>('GET', '/v1/services')
  return services.map(({ service, ports }) => `${service}:${ports[0]?.port}`).join(' ')
}

async function told({ ask }: TestControlPlane): Promise<string> {
  const { problems } = await ask<StatusView>('GET', '/v1/status')
  return problems.map(({ place, message }) => `${place} ${message}`).join('\n')
}

test('an invalid file beside a valid change: the change is live, the other keeps its last good, over a restart too', async (t) => {
  const first = await startControlPlane(t)
  const place = (name: string, text: string) => writeFile(join(first.directory, 'catalog.d', name), text)
  await place('a.yaml', catalog('alpha', 1000))
  await place('b.yaml', catalog('beta', 2000))
  await eventually(async () => assert.equal(await served(first), 'alpha:1000 beta:2000'))
  await place('a.yaml', catalog('alpha', 1000).replace('port:', 'prt:'))
  await place('b.yaml', catalog('beta', 2001))
  await eventually(async () => assert.equal(await served(first), 'alpha:1000 beta:2001'))
  await eventually(async () => assert.match(await told(first), /catalog\.d\/a\.yaml:4:34 .*unknown key `prt`/))
  assert.match(await told(first), /catalog alpha is still in effect as of/)
  await first.stop()
  const second = await startControlPlane(t, { directory: first.directory })
  assert.equal(await served(second), 'alpha:1000 beta:2001')
  assert.match(await told(second), /unknown key `prt`/)
  await place('a.yaml', catalog('alpha', 1001))
  await eventually(async () => assert.equal(await served(second), 'alpha:1001 beta:2001'))
  assert.doesNotMatch(await told(second), /still in effect/)
})
