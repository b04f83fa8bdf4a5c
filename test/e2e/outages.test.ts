import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { HostView } from '../../common/admin-api.js'
import { type Application, answerWithRequest, startHttp } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { HTTP_PORT, type LabHost, PAY_1, PAY_2, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

let lab: MeshLab
let target: Target
const applications = new Map<string, Application>()

async function startApplication({ name, address, services }: LabHost): Promise<void> {
  const application = await startHttp(address, services[0]?.port ?? 0, (request, response) => {
    response.end(answerWithRequest(request, { servedBy: name }))
  })
  applications.set(name, application)
}

before(async () => {
  for (const host of [WEB, PAY_1, PAY_2]) await startApplication(host)
  lab = await MeshLab.start({ hosts: [WEB, PAY_1, PAY_2] })
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of applications.values()) await application.end()
})

async function resourcesResent(): Promise<readonly (number | undefined)[]> {
  return (await lab.ask<HostView[]>('/v1/hosts')).map(({ resourcesSent }) => resourcesSent)
}

test('a control plane that is killed and comes back fails no request and sends nothing again', async () => {
  const load = new Load(target)
  await load.more(25)
  await lab.process('controlplane').end('SIGKILL')
  await load.more(150)
  await lab.startControlPlane()
  await lab.settled()
  await load.stopWithAtMost(0)
  assert.deepEqual(await resourcesResent(), [0, 0, 0])
})

test('a control plane that is frozen for some seconds fails no request and sends nothing again', async () => {
  const { pid } = lab.process('controlplane')
  const before = await resourcesResent()
  const load = new Load(target)
  await load.more(25)
  process.kill(pid, 'SIGSTOP')
  try {
    await load.more(250)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await lab.settled()
  await load.more(50)
  await load.stopWithAtMost(0)
  assert.deepEqual(await resourcesResent(), before)
})

test('an Envoy that is killed is back within 2 s, and at most 0.5 % of the requests fail', async () => {
  const killed = await lab.envoyPid(PAY_1)
  const load = new Load(target)
  await load.more(25)
  process.kill(killed, 'SIGKILL')
  const began = performance.now()
  await until('another Envoy that is ready', async () => {
    return (await lab.envoyPid(PAY_1)) !== killed && (await ready(PAY_1))
  })
  const took = performance.now() - began
  await load.more(200)
  await load.stopWithAtMost(0.005)
  assert.ok(took <= 2000, `it took ${Math.round(took)} ms`)
  await lab.settled()
})

for (const host of [PAY_2, WEB]) {
  test(`${host.name} is in service within 10 s of a reboot while the control plane is down`, async () => {
    await lab.process('controlplane').end('SIGKILL')
    await pullPlug(host)
    const began = performance.now()
    await startApplication(host)
    lab.startAgent(host)
    await until('its Envoy to be ready', () => ready(host))
    await until('pay-2 to serve web-1', async () => (await get(target)).text.includes('"servedBy":"pay-2"'))
    const took = performance.now() - began
    assert.ok(took <= 10_000, `it took ${Math.round(took)} ms`)
    await lab.startControlPlane()
    await lab.settled()
  })
}

async function ready({ address }: LabHost): Promise<boolean> {
  return (await get({ address, port: 15090 }, '/ready')).status === 200
}

/** Ends all of a host at once, and what it had in /run is gone. */
async function pullPlug(host: LabHost): Promise<void> {
  const envoy = await lab.envoyPid(host)
  await lab.process(host.name).end('SIGKILL')
  process.kill(envoy, 'SIGKILL')
  await applications.get(host.name)?.end()
  const { run, envoyRun } = lab.files.host(host.name)
  for (const directory of [run, envoyRun]) await rm(directory, { recursive: true, force: true })
}
