import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findTestEnvoy } from '../lab/envoy.js'
import { happensWithin } from '../lab/within.js'
import { get } from './client.js'
import { CALLER, FIRST, Fleet, SECOND } from './fleet.js'
import type { LabHost } from './hosts.js'
import { until } from './until.js'

/** What may fail of the pairs that use an Envoy that is killed: 0.5 % of the requests of 8 s, all within 5 s. */
const BRIEFLY = { failures: 2, withinMs: 5000 }

/** Requests of a pair in 8 s. */
const REQUESTS = 400

let fleet: Fleet

before(async () => {
  fleet = await Fleet.start()
})

after(() => fleet?.end())

/** Kills the Envoy of a host and waits for the next one. @returns after how many milliseconds that was ready */
async function killEnvoy(host: LabHost, signal: NodeJS.Signals): Promise<number> {
  const killed = await fleet.lab.envoyPid(host)
  const began = performance.now()
  process.kill(killed, signal)
  await until('another Envoy that is ready', async () => {
    const { status } = await get({ address: host.address, port: 15090 }, '/ready')
    return status === 200 && (await fleet.lab.envoyPid(host)) !== killed
  })
  return performance.now() - began
}

/** Waits until web's requests reach payments on a host. @returns after how many milliseconds */
async function served(host: LabHost): Promise<number> {
  const began = performance.now()
  await until(`${host.name} to get requests again`, async () => {
    return (await get(fleet.payments)).text.includes(`"servedBy":"${host.name}"`)
  })
  return performance.now() - began
}

for (const signal of ['SIGKILL', 'SIGSEGV'] as const) {
  test(`a callee's Envoy that ends by ${signal} is back within 2 s, and at most 0.5 % of the requests fail`, async () => {
    await happensWithin(2000, async () => {
      const load = fleet.load()
      await load.more(25)
      const faultAt = performance.now()
      const took = await killEnvoy(SECOND, signal)
      assert.ok((await served(SECOND)) <= 10_000)
      await load.more(REQUESTS)
      await load.stopWith(
        { 'web → payments': BRIEFLY, 'web → greeter (tcp)': BRIEFLY, 'payments → ledger': BRIEFLY },
        faultAt,
      )
      await fleet.lab.settled()
      return took
    })
  })
}

test("a caller's Envoy that is killed fails only what that host calls, and only until it is back", async () => {
  await happensWithin(2000, async () => {
    const load = fleet.load()
    await load.more(25)
    const faultAt = performance.now()
    const took = await killEnvoy(CALLER, 'SIGKILL')
    await load.more(150)
    // What is sent while it is gone fails: 50 requests a second.
    const whileGone = { failures: Math.ceil(took / 20) + 1, withinMs: took }
    await load.stopWith({ 'web → payments': whileGone, 'web → greeter (tcp)': whileGone }, faultAt)
    await fleet.lab.settled()
    return took
  })
})

/**
 * A connection that an Envoy has taken and cannot pass on is closed: nothing of tcp says that it may be tried elsewhere.
 * So it lasts until the check has noticed, here within a second.
 */
const UNTIL_NOTICED = { failures: 40, withinMs: 2000 }

test('an application that restarts fails no request over http, and gets its share again within 10 s', async () => {
  const load = fleet.load()
  await load.more(25)
  const faultAt = performance.now()
  await fleet.endApplications(SECOND)
  await load.more(15)
  await fleet.startApplications(SECOND)
  const took = await served(SECOND)
  assert.ok(took <= 10_000, `it took ${Math.round(took)} ms`)
  await load.more(50)
  const inFlight = { failures: 1, withinMs: 1000 }
  await load.stopWith(
    { 'web → payments': inFlight, 'web → greeter (tcp)': UNTIL_NOTICED, 'payments → ledger': inFlight },
    faultAt,
  )
  await fleet.lab.settled()
})

test('an Envoy that cannot start is tried with growing pauses, and shown with its reason', async () => {
  const broken = join(fleet.lab.files.root, 'broken-envoy')
  const version = 'envoy  version: 0123456789abcdef/1.40.0/Clean/RELEASE/BoringSSL'
  await writeFile(
    broken,
    `#!/bin/sh\n[ "$1" = --version ] && echo "${version}" && exit\necho "[critical] no" >&2\nexit 1\n`,
  )
  await chmod(broken, 0o755)
  const load = fleet.load()
  await fleet.lab.process(SECOND.name).end('SIGTERM')
  fleet.lab.useEnvoy(SECOND, broken)
  fleet.lab.startAgent(SECOND)
  await until('five starts', async () => ((await fleet.lab.hostView(SECOND)).envoy?.restarts ?? 0) >= 4)
  const { envoy, notes } = await fleet.lab.hostView(SECOND)
  assert.equal(envoy?.state, 'crashed')
  assert.match(notes.join(), /Envoy.*exited with code 1.*starts again in/)
  assert.match(await fleet.lab.mesh('hosts'), /crashed/)
  const pauses = (await fleet.lab.logOf(SECOND.name)).flatMap(({ pause }) => (typeof pause === 'number' ? [pause] : []))
  assert.equal(pauses[0], 0)
  assert.ok(
    pauses.slice(1).some((pause) => pause > 0),
    `pauses: ${pauses}`,
  )
  fleet.lab.useEnvoy(SECOND, await findTestEnvoy())
  await fleet.lab.process(SECOND.name).end('SIGTERM')
  fleet.lab.startAgent(SECOND)
  await fleet.lab.settled()
  await served(SECOND)
  await load.stopWith()
})

test('an agent that is frozen delays only its own host, which then gets the newest', async () => {
  const { pid } = fleet.lab.process(FIRST.name)
  const load = fleet.load()
  process.kill(pid, 'SIGSTOP')
  try {
    for (const status of [418, 451, 429]) {
      await fleet.lab.place('payments.yaml', teapot(status))
      const began = performance.now()
      await until('the new route', async () => (await get(fleet.payments, '/teapot')).status === status)
      const took = performance.now() - began
      assert.ok(took <= 3000, `another host got a change only after ${Math.round(took)} ms`)
    }
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await fleet.lab.settled()
  await load.more(25)
  await load.stopWith()
})

test('an Envoy that is frozen delays only its own host, and answers by the newest when it wakes', async () => {
  const pid = await fleet.lab.envoyPid(CALLER)
  process.kill(pid, 'SIGSTOP')
  try {
    for (const status of [418, 451, 403]) {
      await fleet.lab.place('payments.yaml', teapot(status))
      await until('the other hosts to have it', async () => {
        const others = await Promise.all([FIRST, SECOND].map((host) => fleet.lab.hostView(host)))
        return others.every(({ sync }) => sync === 'SYNCED')
      })
    }
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await until('the newest route', async () => (await get(fleet.payments, '/teapot')).status === 403)
  await fleet.lab.settled()
})

function teapot(status: number): string {
  return `kind: route
service: payments
rules:
  - match: { path: { exact: /teapot } }
    respond: { status: ${status} }
`
}
