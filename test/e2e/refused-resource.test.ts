import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { HostView } from '../../common/admin-api.js'
import { type Application, answerWithRequest, startHttp } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { placeFile } from './files.js'
import { HTTP_PORT, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

const OLD = `kind: route
service: payments
rules:
  - name: plain
    timeout: 5s
`

/** A new path with a line break in it, which no request could carry. */
const REFUSED = `# The rule below passes our checks; Envoy refuses it.
kind: route
service: payments
rules:
  - name: broken
    match: { path: { prefix: /broken } }
    rewrite: { prefix: "/in\\ntwo" }
`

const VALID = `kind: route
service: payments
rules:
  - name: teapot
    match: { path: { exact: /teapot } }
    respond: { status: 418 }
`

let lab: MeshLab
let target: Target
let payments: Application
let web: Application

before(async () => {
  payments = await startHttp(PAY_1.address, HTTP_PORT, (request, response) => response.end(answerWithRequest(request)))
  web = await startHttp(WEB.address, 8080, (_, response) => response.end())
  lab = await MeshLab.start({ hosts: [WEB, PAY_1], documents: { 'payments.yaml': OLD } })
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of [payments, web]) await application?.end()
})

test('a resource that Envoy refuses is named with its document, and traffic goes on by the old one', async () => {
  const load = new Load(target)
  await load.more(25)
  await placeFile(lab.files.document('payments.yaml'), REFUSED)
  await until('the refusal to be reported', async () => (await lab.hostView(WEB)).refused.length > 0)
  await load.more(50)

  const { sync, refused, resourcesSent } = await lab.hostView(WEB)
  assert.equal(sync, 'REJECTED')
  assert.equal(refused.length, 1)
  assert.match(refused[0]?.error ?? '', /prefix_?rewrite/i)
  assert.match(refused[0]?.documents.join() ?? '', /mesh\.d\/payments\.yaml:2$/)
  assert.deepEqual(JSON.parse(await lab.mesh('hosts', '-o', 'json')), await lab.ask<HostView[]>('/v1/hosts'))

  await load.more(150)
  assert.equal((await lab.hostView(WEB)).resourcesSent, resourcesSent, 'the refused resource was sent again')
  await load.stopWithAtMost(0)
})

test('an Envoy that starts while a resource is refused gets the old one', async () => {
  await restartEnvoy()
  await until('the old route', async () => (await get(target)).status === 200)
})

test('a valid document that follows a refused one takes effect', async () => {
  await placeFile(lab.files.document('payments.yaml'), VALID)
  await until('the new route', async () => (await get(target, '/teapot')).status === 418)
  await until('the refusal to be over', async () => {
    const { sync, refused } = await lab.hostView(WEB)
    return sync === 'SYNCED' && refused.length === 0
  })
  assert.equal((await get(target, '/other')).status, 200)
})

test('an Envoy that starts after a restart of the control plane gets the old one too', async () => {
  await placeFile(lab.files.document('payments.yaml'), REFUSED)
  await until('the refusal to be reported', async () => (await lab.hostView(WEB)).refused.length > 0)
  await lab.process('controlplane').end('SIGKILL')
  await lab.startControlPlane()
  await until('both hosts to be back and judged', async () => {
    const hosts = await lab.ask<HostView[]>('/v1/hosts')
    return hosts.length === 2 && hosts.every(({ status, sync }) => status === 'live' && sync === 'REJECTED')
  })
  await restartEnvoy()
  await until('the old route', async () => (await get(target)).status === 200, 2000)
})

async function restartEnvoy(): Promise<void> {
  const killed = await lab.envoyPid(WEB)
  process.kill(killed, 'SIGKILL')
  await until(
    'another Envoy that is ready',
    async () => {
      const pid = await lab.envoyPid(WEB)
      return pid !== killed && (await get({ address: WEB.address, port: 15090 }, '/ready')).status === 200
    },
    8000,
  )
}
