import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import type { ServiceView } from '../../common/admin-api.js'
import { type Application, startHttp, startTcp } from './application.js'
import { closeConnections, get, targetOn } from './client.js'
import { type LabHost, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'

const PORT = 9850

/** Where the forwarder that stands for the NAT takes connections. */
const OUTSIDE = { address: '127.0.3.60', port: 16006 }

const CALLEE: LabHost = {
  ...PAY_1,
  services: [{ service: 'payments', port: PORT }],
  settings: `advertise: { address: ${OUTSIDE.address}, port: ${OUTSIDE.port} }`,
}
const CALLER: LabHost = { ...WEB, services: [{ service: 'web', port: 8080, check: 'none' }] }

let lab: MeshLab
let application: Application
let forwarder: Application
let forwarded = 0

before(async () => {
  application = await startHttp(CALLEE.address, PORT, (request, response) => {
    response.end(String(request.headers['x-mesh-client']))
  })
  forwarder = await startTcp(OUTSIDE.address, OUTSIDE.port, (socket) => {
    forwarded++
    const inside = connect(15006, CALLEE.address)
    inside.on('error', () => socket.destroy())
    socket.on('close', () => inside.destroy())
    socket.pipe(inside).pipe(socket)
  })
  lab = await MeshLab.start({ hosts: [CALLER, CALLEE] })
})

after(async () => {
  closeConnections()
  await lab?.end()
  await forwarder?.end()
  await application?.end()
})

test('callers reach a host behind NAT at the address and port that it advertises', async () => {
  const [payments] = (await lab.ask<ServiceView[]>('/v1/services')).filter(({ service }) => service === 'payments')
  assert.deepEqual(
    payments?.instances.map(({ endpoint }) => endpoint),
    [`${OUTSIDE.address}:${OUTSIDE.port}`],
  )
  const answer = await get(await targetOn(CALLER, 'payments', PORT))
  assert.equal(answer.text, 'spiffe://lab.example/svc/web')
  assert.ok(forwarded > 0, 'nothing went through the forwarder')
})
