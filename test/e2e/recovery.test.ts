import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readCredentials } from '../../agent/identity/certificates.js'
import { IdentityStore } from '../../agent/identity/store.js'
import { startAnswering } from './answering.js'
import type { Application } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { HTTP_PORT, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

let lab: MeshLab
let target: Target
let applications: readonly Application[] = []

before(async () => {
  applications = await startAnswering([WEB, PAY_1])
  lab = await MeshLab.start({ hosts: [WEB, PAY_1], controlPlane: 'ca: { leafTtl: 15s }' })
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of applications) await application.end()
})

/** When each certificate of the hosts ends, those of their services and their own, wall-clock milliseconds. */
async function ends(): Promise<readonly number[]> {
  const all = lab.hosts.map(async ({ name }) => {
    const held = await readCredentials(new IdentityStore(lab.files.host(name).state))
    return held === undefined ? [] : [held.host, ...held.services.values()].map(({ notAfter }) => notAfter)
  })
  return (await Promise.all(all)).flat()
}

async function clock(time: number): Promise<void> {
  await until('certificates to expire', () => Date.now() >= time, 60_000)
}

test('a control plane that is away for longer than certificates live costs requests only after that, and nobody has to mend anything when it is back', async () => {
  const load = new Load(target)
  await load.more(25)
  await lab.process('controlplane').end('SIGKILL')
  const times = await ends()
  assert.equal(times.length, 4)
  await clock(Math.min(...times) - 250)
  await load.stopWithAtMost(0)
  assert.ok(load.sent > 100, `only ${load.sent} requests`)

  await clock(Math.max(...times) + 250)
  // Connections that are open live on; an Envoy that has to connect anew is not let in by what has expired.
  closeConnections()
  process.kill(await lab.envoyPid(WEB), 'SIGKILL')
  await until('calls to be refused', async () => (await get(target)).status === 503)

  await lab.startControlPlane()
  await lab.settled()
  await until('new certificates', async () => Math.min(...(await ends())) > Date.now())
  // Its caller may have ejected payments, which lasts 30 s.
  await until('calls to be served', async () => (await get(target)).status === 200, 60_000)
  const again = new Load(target)
  await again.more(100)
  await again.stopWithAtMost(0)
})
