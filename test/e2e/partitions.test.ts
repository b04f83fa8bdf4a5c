import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { HostView, InstanceView } from '../../common/admin-api.js'
import { startAnswering } from './answering.js'
import type { Application } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { FIRST_ADDRESS } from './files.js'
import { HTTP_PORT, type LabHost, PAY_1, PAY_2, STRANGER, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { BOTH, SECOND, SecondControlPlane } from './second-control-plane.js'
import { until } from './until.js'
import { Wire } from './wire.js'

const FIRST = { address: FIRST_ADDRESS, port: 15012 }
const WEB_WIRE = { address: '127.0.3.110', port: 15012 }
const PAY_WIRE = { address: '127.0.3.111', port: 15012 }
const GRACES = 'lostGrace: 5s, returnGrace: 5s'
const GRACE_MS = 5_000

/** A host that reaches the first control plane through a wire. */
function wired(host: LabHost, { address, port }: typeof WEB_WIRE): LabHost {
  return { ...host, settings: `controlPlanes: ["${address}:${port}", "${SECOND.address}:${SECOND.port}"]` }
}

const HOSTS = [
  wired(WEB, WEB_WIRE),
  wired(PAY_1, PAY_WIRE),
  { ...PAY_2, settings: BOTH },
  { ...STRANGER, settings: BOTH },
]
const POLICIES = `kind: host-policy
hosts: [web-1, "pay-*", stranger-1]
services: [web, payments, stranger]
`

let lab: MeshLab
let second: SecondControlPlane
let target: Target
let webWire: Wire
let payWire: Wire
let applications: readonly Application[] = []

before(async () => {
  applications = await startAnswering(HOSTS)
  webWire = await Wire.lay(WEB_WIRE, FIRST)
  payWire = await Wire.lay(PAY_WIRE, FIRST)
  lab = await MeshLab.start({ hosts: HOSTS, documents: { 'hosts.yaml': POLICIES }, discovery: GRACES })
  second = await SecondControlPlane.start(lab, GRACES)
  await second.knowsAllOf(lab)
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await second?.end()
  await lab?.end()
  for (const application of applications) await application.end()
  await webWire?.end()
  await payWire?.end()
})

const firstHosts = () => lab.ask<readonly HostView[]>('/v1/hosts')

function statusOf(hosts: readonly HostView[], name: string): string | undefined {
  return hosts.find(({ host }) => host === name)?.status
}

/** An instance as the second control plane knows it; undefined: it is gone. */
async function instanceOn(host: LabHost, service: string): Promise<InstanceView | undefined> {
  const found = (await second.services()).find((one) => one.service === service)
  return found?.instances.find((instance) => instance.host === host.name)
}

/** Waits until requests are answered by that host, or by no other. */
async function servedBy(host: LabHost): Promise<void> {
  await until(`${host.name} to answer`, async () => (await get(target)).text.includes(`"servedBy":"${host.name}"`))
}

test('a wire that is cut in one direction, either way, is noticed within 45 s; hosts turn to the next control plane and nothing is sent again', async (t) => {
  const load = new Load(target)
  await load.more(25)
  const frozen = lab.process(STRANGER.name)
  const began = performance.now()
  webWire.cut('to-server')
  payWire.cut('to-client')
  process.kill(frozen.pid, 'SIGSTOP')
  const seconds = () => Math.round((performance.now() - began) / 1000)
  const noticed = new Map<string, number>()
  try {
    const note = (what: string, holds: boolean) => holds && !noticed.has(what) && noticed.set(what, seconds())
    await until(
      'both ends of both wires, and both control planes of the frozen agent, to notice',
      async () => {
        const [first, other] = [await firstHosts(), await second.hosts()]
        for (const host of ['web-1', 'pay-1']) {
          note(`${host} turned to cp-2`, other.find((one) => one.host === host)?.resourcesSent === 0)
          note(`cp-1 lost ${host}`, statusOf(first, host) === 'lost')
        }
        note('cp-1 lost the frozen agent', statusOf(first, 'stranger-1') === 'lost')
        note('cp-2 lost the frozen agent', statusOf(other, 'stranger-1') === 'lost')
        return noticed.size === 6
      },
      60_000,
    )
    assert.equal((await get({ address: STRANGER.address, port: 15090 }, '/ready')).status, 200)
  } finally {
    process.kill(frozen.pid, 'SIGCONT')
    webWire.mend()
    payWire.mend()
  }
  t.diagnostic([...noticed].map(([what, after]) => `${what}: ${after} s`).join(', '))
  assert.ok(Math.max(...noticed.values()) <= 45, 'later than 45 s')
  await second.knowsAllOf(lab)
  await load.stopWithAtMost(0)
})

test('a host whose agent was killed serves on; after the grace its instance goes, because another is healthy', async () => {
  const load = new Load(target)
  await lab.process(PAY_2.name).end('SIGKILL')
  await until('the host to be lost', async () => statusOf(await second.hosts(), 'pay-2') === 'lost')
  assert.deepEqual((await instanceOn(PAY_2, 'payments'))?.presence, 'unknown')
  await servedBy(PAY_2)
  await until('the instance to be gone', async () => (await instanceOn(PAY_2, 'payments')) === undefined)
  assert.ok(await instanceOn(PAY_1, 'payments'))
  lab.startAgent(PAY_2)
  await second.knowsAllOf(lab)
  await servedBy(PAY_2)
  await load.stopWithAtMost(0)
})

test('a control plane that restarts waits for what it knew, and then removes what nobody confirmed', async () => {
  await lab.process(PAY_2.name).end('SIGKILL')
  await second.process.end('SIGKILL')
  await second.run()
  assert.equal(statusOf(await second.hosts(), 'pay-2'), 'unconfirmed')
  assert.equal((await instanceOn(PAY_2, 'payments'))?.presence, 'unknown')
  await until('the instance to be gone', async () => (await instanceOn(PAY_2, 'payments')) === undefined)
  lab.startAgent(PAY_2)
  await second.knowsAllOf(lab)
})

test('of hosts that are really gone, the last instance of a service stays', async () => {
  for (const host of [PAY_1, PAY_2]) await pullPlug(host)
  const longLost = (hosts: readonly HostView[], name: string) => {
    const { status, since } = hosts.find(({ host }) => host === name) ?? {}
    return status === 'lost' && Date.now() - Date.parse(since ?? '') > GRACE_MS + 2_000
  }
  await until('both to be lost for longer than the grace', async () => {
    const hosts = await second.hosts()
    return longLost(hosts, 'pay-1') && longLost(hosts, 'pay-2')
  })
  const left = [await instanceOn(PAY_1, 'payments'), await instanceOn(PAY_2, 'payments')]
  assert.deepEqual(
    left.map((instance) => instance?.presence),
    ['unknown', 'unknown'],
  )
  lab.startAgent(HOSTS[1] as LabHost)
  await until('the one that is dead to go, once the other is back', async () => {
    return (await instanceOn(PAY_2, 'payments')) === undefined
  })
  await servedBy(PAY_1)
})

/** Ends the agent and the Envoy of a host at once. */
async function pullPlug(host: LabHost): Promise<void> {
  const envoy = await lab.envoyPid(host)
  await lab.process(host.name).end('SIGKILL')
  process.kill(envoy, 'SIGKILL')
}
