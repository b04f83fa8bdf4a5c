import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { openSession } from '../../agent/control-plane/calls.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import type { HostChanged, HostView } from '../../common/admin-api.js'
import { connectAs, joinHost, requestCertificate } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane, within } from './control-plane.js'
import { hostReport, servicesReport } from './reports.js'

const POLICY = 'kind: host-policy\nhosts: ["web-*"]\nservices: [web]\n'

/** Two control planes of one mesh, and a host that joined at the first. */
async function twoPlanes(t: TestContext, documents: string = POLICY) {
  const first = await startControlPlane(t, { documents })
  const second = await startControlPlane(t, { beside: first, documents })
  return { first, second, credentials: await joinHost(t, first, 'web-1', ['web', 'secret']) }
}

async function certificateFrom(
  t: TestContext,
  plane: TestControlPlane,
  credentials: HostCredentials,
  service?: string,
): Promise<HostCredentials> {
  const { keyPem, result } = await requestCertificate(connectAs(t, plane, credentials), service)
  if (result.case !== 'certificate') throw new Error(`refused: ${result.value}`)
  return { keyPem, chainPem: result.value.chainPem }
}

suite('a host at a control plane where it did not join', () => {
  test('is let in by a host-policy, with the services of host-policies and not those of its token', async (t) => {
    const { second, credentials } = await twoPlanes(t)
    await certificateFrom(t, second, credentials, 'web')
    await assert.rejects(certificateFrom(t, second, credentials, 'secret'), /may not run the service "secret"/)
    const [host] = await second.ask<readonly HostView[]>('GET', '/v1/hosts')
    assert.deepEqual(host?.notes, ['has not joined at this control plane', 'never reported'])
  })

  test('is refused where no host-policy names it', async (t) => {
    const { first, second, credentials } = await twoPlanes(t, 'kind: mesh\n')
    await certificateFrom(t, first, credentials)
    const reason = /host web-1 joined at another control plane, and no host-policy here names it$/
    await assert.rejects(certificateFrom(t, second, credentials), reason)
    assert.match(JSON.stringify(second.lines), /host web-1 joined at another control plane, and no host-policy here/)
  })

  test('brings what was renewed there back to the first, which takes and renews it', async (t) => {
    const { first, second, credentials } = await twoPlanes(t)
    const renewed = await certificateFrom(t, second, credentials)
    const again = await certificateFrom(t, first, renewed)
    await certificateFrom(t, second, again)
    await certificateFrom(t, second, renewed)
  })

  test('is disconnected when no host-policy names it any more', async (t) => {
    const { second, credentials } = await twoPlanes(t)
    const session = openSession(connectAs(t, second, credentials))
    const ended = new Promise((resolve) => session.on('error', resolve))
    for (const report of [hostReport(), servicesReport('web')]) session.write(report)
    await eventually(async () => {
      const [host] = await second.ask<readonly HostView[]>('GET', '/v1/hosts')
      assert.equal(host?.status, 'live')
    })
    await writeFile(join(second.directory, 'mesh.d', 'test.yaml'), POLICY.replace('web-*', 'pay-*'))
    await within(10_000, ended)
  })

  test('is kept out by a ban there before it ever came, and the first goes on with it', async (t) => {
    const { first, second, credentials } = await twoPlanes(t)
    const changed = await second.ask<HostChanged>('POST', '/v1/hosts/web-1/ban', { reason: 'lost', force: true })
    assert.deepEqual(changed, { host: 'web-1', known: false, disconnected: 0 })
    await assert.rejects(certificateFrom(t, second, credentials))
    const renewed = await certificateFrom(t, first, credentials)
    await assert.rejects(certificateFrom(t, second, renewed))
    await second.ask('POST', '/v1/hosts/web-1/admit')
    await certificateFrom(t, second, renewed)
  })

  test('stays out after an eviction there, also with a newer certificate, until it is admitted', async (t) => {
    const { first, second, credentials } = await twoPlanes(t)
    const renewed = await certificateFrom(t, second, credentials)
    await second.ask('POST', '/v1/hosts/web-1/evict')
    await assert.rejects(certificateFrom(t, second, renewed))
    const newer = await certificateFrom(t, first, credentials)
    await assert.rejects(certificateFrom(t, second, newer))
    assert.deepEqual(await second.ask('GET', '/v1/hosts'), [])
  })

  test('with a name that is none, is neither banned nor evicted', async (t) => {
    const { first } = await twoPlanes(t)
    for (const action of ['ban', 'evict']) {
      await assert.rejects(first.ask('POST', `/v1/hosts/${encodeURIComponent('no name')}/${action}`), /not a host name/)
    }
  })
})
