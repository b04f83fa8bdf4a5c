import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { StatusView } from '../../common/admin-api.js'
import { findTool } from '../lab/tools.js'
import { placeFile } from './files.js'
import { FIRST, Fleet, SECOND } from './fleet.js'
import type { Environment } from './lab.js'
import { until } from './until.js'

/** How long it may take until all is well after a clock is right again. */
const RECOVERY_MS = 30_000

const HOUR = 3600

let fleet: Fleet
let library: string

before(async () => {
  library = await faketimeLibrary()
  fleet = await Fleet.start()
  for (const host of [FIRST, SECOND]) {
    await fleet.lab.process(host.name).end('SIGKILL')
    await setClock(host.name, 0)
    fleet.lab.startAgent(host, clockOf(host.name))
  }
  await restartControlPlane(0)
})

after(() => fleet?.end())

/** Where libfaketime is: beside the program that loads it. */
async function faketimeLibrary(): Promise<string> {
  await findTool('faketime')
  const places = ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`)
  return places[process.arch === 'arm64' ? 1 : 0] as string
}

function clockFile(name: string): string {
  return join(fleet.lab.files.root, `clock-${name}`)
}

/** What lets a process live by a clock of its own, which {@link setClock} moves while it runs. */
function clockOf(name: string): Environment {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile(name),
    FAKETIME_NO_CACHE: '1',
    // Timers of a machine do not jump with its wall clock.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
}

function setClock(name: string, seconds: number): Promise<void> {
  return placeFile(clockFile(name), `${seconds < 0 ? '' : '+'}${seconds}\n`)
}

async function restartControlPlane(seconds: number): Promise<void> {
  await fleet.lab.process('controlplane').end('SIGKILL')
  await setClock('controlplane', seconds)
  await fleet.lab.startControlPlane(clockOf('controlplane'))
  await fleet.lab.settled()
}

async function problems(): Promise<readonly string[]> {
  return (await fleet.lab.ask<StatusView>('/v1/status')).problems.map(({ message }) => message)
}

async function differsInLog(name: string): Promise<readonly unknown[]> {
  const lines = await fleet.lab.logOf(name)
  return lines.filter(({ message }) => /clocks? .*differ/.test(message)).map(({ controlPlane }) => controlPlane)
}

test('clocks that are 90 s apart are no problem, also for who connects anew', async () => {
  const load = fleet.load()
  await setClock(FIRST.name, 90)
  await setClock(SECOND.name, -90)
  await restartControlPlane(0)
  assert.deepEqual(await problems(), [])
  for (const { name } of [FIRST, SECOND]) assert.deepEqual(await differsInLog(name), [])
  await load.stopWith()
})

for (const [words, seconds, want] of [
  ['25 hours ahead', 25 * HOUR, /25 h ahead/],
  ['a day behind', -24 * HOUR, /24 h behind/],
] as const) {
  test(`the clock of a host that jumps to ${words} is named, fails no request, and all is well after it is right`, async () => {
    const load = fleet.load()
    await setClock(FIRST.name, seconds)
    await until('the host to be named', async () => (await problems()).some((text) => want.test(text)))
    assert.match((await fleet.lab.hostView(FIRST)).notes.join(), want)
    await until('its agent to say so', async () => (await differsInLog(FIRST.name)).length > 0)
    await load.more(50)
    await setClock(FIRST.name, 0)
    await until('nothing to be named', async () => (await problems()).length === 0, RECOVERY_MS)
    await fleet.lab.settled()
    await load.stopWith()
  })
}

for (const [words, seconds, want] of [
  ['25 hours ahead', 25 * HOUR, /25 h behind/],
  ['a day behind', -24 * HOUR, /24 h ahead/],
] as const) {
  test(`the clock of a control plane that jumps to ${words} is seen at every host, and fails no request`, async () => {
    const load = fleet.load()
    await setClock('controlplane', seconds)
    await until('all hosts to be named', async () => {
      return (await problems()).filter((text) => want.test(text)).length === fleet.lab.hosts.length
    })
    await load.more(50)
    await setClock('controlplane', 0)
    await until('nothing to be named', async () => (await problems()).length === 0, RECOVERY_MS)
    await fleet.lab.settled()
    await load.stopWith()
  })
}

test('a host a day behind that has to connect anew says what is wrong, and is back when its clock is right', async () => {
  const load = fleet.load()
  await setClock(FIRST.name, -24 * HOUR)
  await fleet.lab.process('controlplane').end('SIGKILL')
  await fleet.lab.startControlPlane(clockOf('controlplane'))
  await until('its agent to say that the certificate is not valid yet', async () => {
    const lines = await fleet.lab.logOf(FIRST.name)
    return lines.some(({ error }) => /clock/.test(String(error)))
  })
  await setClock(FIRST.name, 0)
  await until('the host to be back', async () => (await fleet.lab.hostView(FIRST)).status === 'live', RECOVERY_MS)
  await fleet.lab.settled()
  await load.stopWith()
})
