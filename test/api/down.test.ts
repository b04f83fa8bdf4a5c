import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSession } from '../../agent/control-plane/calls.js'
import type { HostView, ProblemView, ServiceDescription, ServiceView, StatusView } from '../../common/admin-api.js'
import { Health } from '../../common/proto/mesh/v1/mesh_pb.js'
import { viewDown } from '../../controlplane/admin/views/down.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane } from './control-plane.js'
import { envoyReport, hostReport, reportOf } from './reports.js'

function textOf({ severity, place, message, code }: ProblemView): string {
  return `${severity} ${place}: ${message} ${code}`
}

test('the status names a service without a healthy instance, an Envoy that is not ready and a lost host', async (t) => {
  const controlPlane = await startControlPlane(t)
  const session = openSession(connectAs(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web'])))
  session.on('error', () => undefined)
  const told = async () => (await controlPlane.ask<StatusView>('GET', '/v1/status')).problems.map(textOf)
  session.write(hostReport())
  session.write(envoyReport({ state: 'crashed', detail: 'ended with code 1' }))
  session.write(reportOf({ health: Health.CRITICAL, healthDetail: 'HTTP 503' }))
  const down = 'error web: the one instance of web is not healthy (web-1: HTTP 503) MSH0508'
  await eventually(async () =>
    assert.deepEqual(await told(), [down, 'notice web-1: the Envoy of web-1 is crashed: ended with code 1 MSH0510']),
  )
  const { problems } = await controlPlane.ask<ServiceDescription>('GET', '/v1/services/web')
  assert.ok(problems.map(textOf).includes(down))
  session.write(envoyReport())
  session.write(reportOf({}))
  await eventually(async () => assert.deepEqual(await told(), []))
  session.cancel()
  await eventually(async () => {
    const [first = '', ...more] = await told()
    assert.match(first, /^notice web-1: the session of web-1 is lost since \d{4}-.*Z MSH0509$/)
    assert.deepEqual(more, [])
  })
})

test('a machine that only a file names is told as unchecked: neither healthy nor down', async (t) => {
  const controlPlane = await startControlPlane(t)
  const text = 'kind: catalog\nservice: mail\nprotocol: tcp\ninstances: [{ address: 10.0.0.1, port: 25 }]\n'
  await writeFile(join(controlPlane.directory, 'catalog.d', 'mail.yaml'), text)
  await eventually(async () => {
    const [mail] = await controlPlane.ask<readonly ServiceView[]>('GET', '/v1/services')
    assert.deepEqual(
      mail?.instances.map(({ health }) => health),
      ['unchecked'],
    )
  })
  const { services, problems } = await controlPlane.ask<StatusView>('GET', '/v1/status')
  assert.deepEqual(services, { total: 1, healthy: 0, unchecked: 1 })
  assert.deepEqual(problems.map(textOf), [])
})

test('of many lost hosts the first 20 are named and the others counted', () => {
  const hosts = Array.from({ length: 25 }, (_, at) => ({ host: `web-${at}`, status: 'lost' }) as HostView)
  const told = viewDown(hosts, [], []).map(textOf)
  assert.equal(told.length, 21)
  assert.equal(told[19], 'notice web-19: the session of web-19 is lost MSH0509')
  assert.equal(told[20], 'notice hosts: and 5 more hosts that are lost MSH0509')
})
