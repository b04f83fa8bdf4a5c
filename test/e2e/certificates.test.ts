import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { startAnswering } from './answering.js'
import type { Application } from './application.js'
import { closeConnections, type Target, targetOn } from './client.js'
import { HTTP_PORT, type LabHost, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

/** Requests of 25 seconds, in which a certificate of 10 s has to be replaced more than once. */
const REQUESTS = 25 * 50

let lab: MeshLab
let target: Target
let applications: readonly Application[] = []

before(async () => {
  applications = await startAnswering([WEB, PAY_1])
  lab = await MeshLab.start({ hosts: [WEB, PAY_1], controlPlane: 'ca: { leafTtl: 10s }' })
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of applications) await application.end()
})

/** The serial number of the certificate that the Envoy of a host shows now. */
function serialOf({ address }: LabHost): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: address, port: 15006, servername: 'main.payments.mesh', ALPNProtocols: ['h2'] }
    const socket = connect({ ...options, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('certificates of 10 s are renewed while requests flow, and none fails', async () => {
  const serials = new Set<string>()
  const load = new Load(target)
  await until(
    'requests for 25 s',
    async () => {
      serials.add(await serialOf(PAY_1))
      return load.sent >= REQUESTS
    },
    60_000,
  )
  await load.stopWithAtMost(0)
  assert.ok(serials.size >= 3, `only ${serials.size} certificates were seen`)
})
