import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { HostView, ServiceView, StatusView } from '../../common/admin-api.js'
import { findTestEnvoy } from '../lab/envoy.js'
import { startAnswering } from './answering.js'
import type { Application } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { placeFile, writeHost } from './files.js'
import { HTTP_PORT, PAY_1, PAY_2, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { BOTH, SecondControlPlane } from './second-control-plane.js'
import { until } from './until.js'

const HOSTS = [WEB, PAY_1, PAY_2].map((host) => ({ ...host, settings: BOTH }))
const POLICIES = `kind: host-policy
hosts: [web-1]
services: [web]
---
kind: host-policy
hosts: ["pay-*"]
services: [payments]
`

let lab: MeshLab
let second: SecondControlPlane
let target: Target
let applications: readonly Application[] = []

before(async () => {
  applications = await startAnswering(HOSTS)
  lab = await MeshLab.start({ hosts: HOSTS, documents: { 'hosts.yaml': POLICIES } })
  second = await SecondControlPlane.start(lab)
  await second.knowsAllOf(lab)
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await second?.end()
  await lab?.end()
  for (const application of applications) await application.end()
})

const firstHosts = () => lab.ask<readonly HostView[]>('/v1/hosts')

function allLiveAndSynced(hosts: readonly HostView[]): boolean {
  return hosts.length === HOSTS.length && hosts.every(({ status, sync }) => status === 'live' && sync === 'SYNCED')
}

/** What each host was sent by a control plane since it turned to it; undefined: it takes nothing from it. */
function sent(hosts: readonly HostView[]): readonly (number | undefined)[] {
  return hosts.map(({ resourcesSent }) => resourcesSent)
}

test('hosts that joined at the first control plane report to the second too, and both know the same services', async () => {
  await until('both to know the same', async () => {
    assert.deepEqual(await second.services(), await lab.ask<readonly ServiceView[]>('/v1/services'))
    return true
  })
  assert.deepEqual(sent(await second.hosts()), [undefined, undefined, undefined])
  const [pay] = await second.hosts()
  assert.deepEqual(pay?.notes, ['has not joined at this control plane', 'takes its configuration from cp-1'])
})

test('when the followed control plane is killed, hosts turn to the other, which has nothing to send; no request fails', async () => {
  const load = new Load(target)
  await load.more(25)
  await lab.process('controlplane').end('SIGKILL')
  await until('all hosts to follow the second control plane', async () => {
    const hosts = await second.hosts()
    return allLiveAndSynced(hosts) && sent(hosts).every((count) => count !== undefined)
  })
  assert.deepEqual(sent(await second.hosts()), [0, 0, 0])
  await load.more(50)
  await load.stopWithAtMost(0)
})

test('changes take effect while the first control plane is away', async () => {
  const rule = 'kind: route\nservice: payments\nrules:\n  - respond: { status: 418, body: "from the second" }\n'
  await placeFile(lab.files.document('route.yaml'), rule)
  await until('the route to be in effect', async () => (await get(target)).status === 418)
  await placeFile(lab.files.document('route.yaml'), 'kind: service\nservice: payments\n')
  await until('the route to be gone', async () => (await get(target)).status === 200)
})

test('when the first comes back, hosts report to it and stay where they are; no request fails', async () => {
  const load = new Load(target)
  await load.more(25)
  await lab.startControlPlane()
  await second.knowsAllOf(lab)
  await load.more(50)
  await load.stopWithAtMost(0)
  assert.deepEqual(sent(await firstHosts()), [undefined, undefined, undefined])
  const { length } = (await second.hosts()).filter(({ resourcesSent }) => resourcesSent !== undefined)
  assert.equal(length, 3)
})

test('the one that came back has nothing to send either, when hosts turn to it', async () => {
  const load = new Load(target)
  await load.more(25)
  await second.process.end('SIGKILL')
  await until('all hosts to follow the first control plane', async () => {
    const hosts = await firstHosts()
    return allLiveAndSynced(hosts) && sent(hosts).every((count) => count !== undefined)
  })
  await load.stopWithAtMost(0)
  assert.deepEqual(sent(await firstHosts()), [0, 0, 0])
  await second.run()
  await second.knowsAllOf(lab)
})

test('a host that is banned at one control plane alone is served by the other, until it is banned there too', async () => {
  const isBanned = (hosts: readonly HostView[]) => hosts.find(({ host }) => host === 'pay-2')?.status === 'banned'
  await lab.mesh('host', 'pay-2', 'ban')
  await until('the host to follow the second control plane', async () => {
    return (await second.hosts()).some(({ host, resourcesSent }) => host === 'pay-2' && resourcesSent !== undefined)
  })
  assert.deepEqual([isBanned(await firstHosts()), isBanned(await second.hosts())], [true, false])
  assert.match(await second.mesh('host', 'pay-2', 'ban'), /^pay-2: banned, 1 connection ended/)
  await until('its instance to be gone', async () => {
    const payments = (await second.services()).find(({ service }) => service === 'payments')
    return payments?.instances.every(({ host }) => host !== 'pay-2')
  })
  await lab.mesh('host', 'pay-2', 'admit')
  await second.mesh('host', 'pay-2', 'admit')
  await second.knowsAllOf(lab)
})

test('a copy of a host is told from the host, at both control planes, and the two do not throw each other out in turn', async () => {
  const copy = { ...PAY_2, name: 'copy-1', address: '127.0.3.9', range: '127.99.0.0/16', settings: BOTH }
  applications = [...applications, ...(await startAnswering([copy]))]
  const files = lab.files.host(copy.name)
  await writeHost(files, copy, await findTestEnvoy())
  // All but the socket by which the agent holds it.
  const filter = (path: string) => !path.includes('agent.lock')
  await cp(lab.files.host(PAY_2.name).state, files.state, { recursive: true, filter })
  lab.startAgent(copy)
  const alarm = async (ask: (path: string) => Promise<unknown>) => {
    const { problems } = (await ask('/v1/status')) as StatusView
    return problems.some(({ code, place }) => code === 'MSH0407' && place === 'pay-2')
  }
  await until(
    'both control planes to raise an alarm',
    async () => {
      return (await alarm((path) => lab.ask(path))) && (await alarm((path) => second.ask(path)))
    },
    60_000,
  )
  const look = async () => (await firstHosts()).find(({ host }) => host === 'pay-2')
  const before = await look()
  assert.deepEqual([before?.status, before?.address], ['live', `${copy.address}:15006`])
  assert.match(before?.notes.join() ?? '', /a second agent has its identity/)
  const load = new Load(target)
  await load.more(150)
  await load.stopWithAtMost(0)
  const after = await look()
  assert.deepEqual([after?.since, after?.address], [before?.since, before?.address])
})
