import assert from 'node:assert/strict'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import type { HostView, StatusView } from '../../common/admin-api.js'
import { get } from './client.js'
import { forgetCached, placeFile } from './files.js'
import { CALLER, FIRST, Fleet, SECOND } from './fleet.js'
import type { LabHost } from './hosts.js'
import { until } from './until.js'

const HOSTS = [CALLER, FIRST, SECOND]

/** How often the control plane is killed while requests flow. */
const RESTARTS = 20

/** Answers by itself, so that a host that lost its configuration would be seen by the status. */
const TEAPOT = `kind: route
service: payments
rules:
  - match: { path: { exact: /teapot } }
    respond: { status: 418 }
`

let fleet: Fleet

before(async () => {
  fleet = await Fleet.start({ documents: { 'teapot.yaml': TEAPOT } })
})

after(() => fleet?.end())

async function resourcesSent(): Promise<readonly (number | undefined)[]> {
  return (await fleet.lab.ask<HostView[]>('/v1/hosts')).map((host) => host.resourcesSent)
}

test('a control plane that is killed and comes back fails no request and sends nothing again', async () => {
  const load = fleet.load()
  await load.more(25)
  const killedAt = Date.now()
  await fleet.lab.process('controlplane').end('SIGKILL')
  await load.more(150)
  for (const { name } of HOSTS) {
    const told = (await fleet.lab.logOf(name)).filter(({ message }) => message === 'no session with the control plane')
    assert.ok(told.length > 0, `${name} says nothing`)
    const since = Date.parse(String(told.at(-1)?.['since']))
    assert.ok(Math.abs(since - killedAt) < 5000, `${name} says: since ${told.at(-1)?.['since']}`)
  }
  await fleet.lab.startControlPlane()
  await fleet.lab.settled()
  await load.stopWith()
  assert.deepEqual(await resourcesSent(), [0, 0, 0])
  for (const { name } of HOSTS) {
    const back = (await fleet.lab.logOf(name)).findLast(({ message }) => message === 'session with the control plane')
    assert.ok(Number(back?.['awaySeconds']) >= 1, `${name} does not say how long it was away`)
  }
})

test('an agent that misses its control plane says so once for each reason, and not at each attempt', async () => {
  const told = (await fleet.lab.logOf(CALLER.name)).filter(({ level, message }) => {
    return level === 'warn' && message === 'no session with the control plane'
  })
  const reasons = told.map(({ error }) => String(error).replaceAll(/\d+/g, ''))
  assert.ok(new Set(reasons).size >= 1)
  assert.ok(told.length <= 4, reasons.join('\n'))
})

test('a control plane that is frozen for some seconds fails no request and sends nothing again', async () => {
  const { pid } = fleet.lab.process('controlplane')
  const before = await resourcesSent()
  const load = fleet.load()
  await load.more(25)
  process.kill(pid, 'SIGSTOP')
  try {
    await load.more(250)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await fleet.lab.settled()
  await load.more(50)
  await load.stopWith()
  assert.deepEqual(await resourcesSent(), before)
})

test(`a control plane that is killed ${RESTARTS} times fails no request and sends nothing again`, async () => {
  // A stop keeps what hosts have told in the last half second; a kill would serve them what was before.
  await fleet.lab.process('controlplane').end('SIGTERM')
  await fleet.lab.startControlPlane()
  await fleet.lab.settled()
  const load = fleet.load()
  for (let times = 0; times < RESTARTS; times++) {
    await fleet.lab.process('controlplane').end('SIGKILL')
    await fleet.lab.startControlPlane()
  }
  await fleet.lab.settled()
  await load.more(25)
  await load.stopWith()
  assert.deepEqual(await resourcesSent(), [0, 0, 0])
})

test('a control plane that comes back without a directory of documents says so, and hosts keep all of it', async () => {
  const directory = dirname(fleet.lab.files.document('teapot.yaml'))
  const load = fleet.load()
  await fleet.lab.process('controlplane').end('SIGKILL')
  await rename(directory, `${directory}.away`)
  try {
    await fleet.lab.startControlPlane()
    await fleet.lab.settled()
    await load.more(50)
    assert.equal((await get(fleet.payments, '/teapot')).status, 418)
    const { problems } = await fleet.lab.ask<StatusView>('/v1/status')
    assert.ok(
      problems.some(({ place }) => place.includes('mesh.d')),
      JSON.stringify(problems),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
    await rename(`${directory}.away`, directory)
  }
  await until('the directory to be missed no more', async () => {
    return (await fleet.lab.ask<StatusView>('/v1/status')).problems.length === 0
  })
  assert.equal((await get(fleet.payments, '/teapot')).status, 418)
  await load.stopWith()
})

test('a control plane that has thousands of documents to read serves none of them before it has read all', async () => {
  const load = fleet.load()
  await fleet.lab.process('controlplane').end('SIGKILL')
  const { document } = fleet.lab.files
  const texts = Array.from({ length: 2000 }, (_, index) => `kind: service\nservice: many-${index}\n`)
  await mkdir(dirname(document('many/any')), { recursive: true })
  for (const [index, text] of texts.entries()) await placeFile(document(`many/${index}.yaml`), text)
  fleet.lab.launchControlPlane()
  await fleet.lab.settled()
  assert.equal((await get(fleet.payments, '/teapot')).status, 418)
  await load.stopWith()
  assert.deepEqual(await resourcesSent(), [0, 0, 0])
  await rm(dirname(document('many/any')), { recursive: true })
})

test('an agent that is killed leaves its Envoy untouched, and the next one adopts it', async () => {
  const load = fleet.load()
  for (const host of [CALLER, FIRST]) {
    const pid = await fleet.lab.envoyPid(host)
    await fleet.lab.process(host.name).end('SIGKILL')
    await load.more(50)
    fleet.lab.startAgent(host)
    await fleet.lab.settled()
    assert.equal(await fleet.lab.envoyPid(host), pid)
  }
  await load.stopWith()
})

test('an agent whose disk is older than its Envoy leaves Envoy what it has until a control plane answers', async () => {
  const load = fleet.load()
  await fleet.lab.process('controlplane').end('SIGKILL')
  await fleet.lab.process(FIRST.name).end('SIGKILL')
  await forgetCached(fleet.lab.files.host(FIRST.name), 'app:')
  fleet.lab.startAgent(FIRST)
  await until('the Envoy to be adopted', async () => {
    const ready = (await fleet.lab.logOf(FIRST.name)).filter(({ message }) => message === 'Envoy is ready')
    return ready.at(-1)?.['adopted'] === true && ready.length > 1
  })
  await load.more(100)
  await fleet.lab.startControlPlane()
  await fleet.lab.settled()
  await load.stopWith()
})

test('a host that leaves in order fails no request, and none when it is back', async () => {
  const load = fleet.load()
  await fleet.lab.process(SECOND.name).end('SIGTERM')
  await load.more(50)
  fleet.lab.startAgent(SECOND)
  await fleet.lab.settled()
  await load.more(50)
  await load.stopWith()
})

test('a service whose file is removed gets no request afterwards, and none fails meanwhile', async () => {
  const file = fleet.lab.files.host(SECOND.name).service('payments')
  const load = fleet.load()
  await rename(file, `${file}.away`)
  await until('payments to be on one host', async () => {
    const services = await fleet.lab.ask<readonly { service: string; instances: readonly unknown[] }[]>('/v1/services')
    return services.find(({ service }) => service === 'payments')?.instances.length === 1
  })
  await load.more(50)
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(fleet.payments)))
  assert.ok(answers.every(({ text }) => text.includes(`"servedBy":"${FIRST.name}"`)))
  await rename(`${file}.away`, file)
  await fleet.lab.settled()
  await load.more(50)
  await load.stopWith()
})

for (const host of [SECOND, CALLER]) {
  test(`${host.name} is in service within 10 s of a reboot while the control plane is down`, async () => {
    await fleet.lab.process('controlplane').end('SIGKILL')
    await pullPlug(host)
    const began = performance.now()
    await fleet.startApplications(host)
    fleet.lab.startAgent(host)
    await until('its Envoy to be ready', () => ready(host))
    await until(`${SECOND.name} to serve ${CALLER.name}`, async () => {
      return (await get(fleet.payments)).text.includes(`"servedBy":"${SECOND.name}"`)
    })
    const took = performance.now() - began
    assert.ok(took <= 10_000, `it took ${Math.round(took)} ms`)
    await fleet.lab.startControlPlane()
    await fleet.lab.settled()
  })
}

async function ready({ address }: LabHost): Promise<boolean> {
  return (await get({ address, port: 15090 }, '/ready')).status === 200
}

/** Ends all of a host at once, and what it had in /run is gone. */
async function pullPlug(host: LabHost): Promise<void> {
  const envoy = await fleet.lab.envoyPid(host)
  await fleet.lab.process(host.name).end('SIGKILL')
  process.kill(envoy, 'SIGKILL')
  await fleet.endApplications(host)
  const { run, envoyRun } = fleet.lab.files.host(host.name)
  for (const directory of [run, envoyRun]) await rm(directory, { recursive: true, force: true })
}
