import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { InstanceView, ServiceView } from '../../common/admin-api.js'
import { type Application, startHttp } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { placeFile } from './files.js'
import { type LabHost, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

const [FIRST, SECOND] = [9800, 9801]

const CALLEE: LabHost = {
  ...PAY_1,
  services: [
    { service: 'payments', port: FIRST, more: 'version: v1' },
    { service: 'payments', port: SECOND, more: 'version: v2', file: 'payments2' },
  ],
}
const CALLER: LabHost = { ...WEB, services: [{ service: 'web', port: 8080, check: 'none' }] }

const SUBSETS = `kind: service
service: payments
subsets: { v1: { labels: { version: v1 } }, v2: { labels: { version: v2 } } }
---
kind: route
service: payments
rules:
  - match: { path: { exact: /v1 } }
    to: { subset: v1 }
  - match: { path: { exact: /v2 } }
    to: { subset: v2 }
`

let lab: MeshLab
let target: Target
let first: Application
let second: Application

before(async () => {
  first = await startHttp(CALLEE.address, FIRST, (_, response) => response.end('first'))
  second = await startSecond()
  lab = await MeshLab.start({ hosts: [CALLER, CALLEE], documents: { 'payments.yaml': SUBSETS } })
  target = await targetOn(CALLER, 'payments', FIRST)
})

after(async () => {
  closeConnections()
  await lab?.end()
  await first?.end()
  await second?.end()
})

function startSecond(): Promise<Application> {
  return startHttp(CALLEE.address, SECOND, (_, response) => response.end('second'))
}

async function instances(): Promise<readonly InstanceView[]> {
  return (await lab.ask<ServiceView[]>('/v1/services')).find(({ service }) => service === 'payments')?.instances ?? []
}

async function endpoints(): Promise<readonly string[]> {
  return (await instances()).map(({ id, endpoint }) => `${id} ${endpoint}`)
}

async function healths(): Promise<readonly string[]> {
  return (await instances()).map(({ health }) => health)
}

test('each instance is listed with its own endpoint, and the host by one certificate', async () => {
  assert.deepEqual(await endpoints(), [
    `payments@pay-1:${FIRST} ${CALLEE.address}:15006`,
    `payments@pay-1:${SECOND} ${CALLEE.address}:15100`,
  ])
  assert.deepEqual((await lab.hostView(CALLEE)).services, ['payments', `payments:${SECOND}`])
  const keys = await readdir(join(lab.files.host(CALLEE.name).state, 'identity'))
  assert.deepEqual(
    keys.filter((name) => name.startsWith('svc-')),
    ['svc-payments.pem'],
  )
  assert.match(
    await lab.mesh('services'),
    new RegExp(`main:${SECOND}/http +pay-1 +v2 +passing +${CALLEE.address}:15100`),
  )
})

test('a call by name reaches both, on either number', async () => {
  for (const port of [FIRST, SECOND]) {
    const seen = new Set<string>()
    await until(`both on ${port}`, async () => seen.add((await get({ ...target, port })).text).size === 2)
    assert.deepEqual([...seen].sort(), ['first', 'second'])
  }
})

test('subsets tell them apart', async () => {
  for (let count = 0; count < 5; count++) {
    assert.equal((await get(target, '/v1')).text, 'first')
    assert.equal((await get(target, '/v2')).text, 'second')
  }
})

test('one that dies is taken out alone, without a failed request', async () => {
  const load = new Load(target)
  await load.more(25)
  await second.end()
  await until('the second to be critical', async () => (await healths()).join() === 'passing,critical')
  await load.more(25)
  second = await startSecond()
  await until('both to pass', async () => (await healths()).join() === 'passing,passing')
  await load.more(25)
  await load.stopWithAtMost(0)
})

test('a restart of the agent gives each the port that it had, whatever its files are called now', async () => {
  const before = await endpoints()
  const load = new Load(target)
  await lab.process(CALLEE.name).end('SIGKILL')
  const { service } = lab.files.host(CALLEE.name)
  await placeFile(service('a-second'), `service: payments\nport: ${SECOND}\nprotocol: http\nversion: v2\n`)
  await rm(service('payments2'))
  lab.startAgent(CALLEE)
  await until('the file to be reported by its new name', async () => {
    return (await instances()).some(({ provenance }) => provenance.join().includes('a-second.yaml'))
  })
  await lab.settled()
  assert.deepEqual(await endpoints(), before)
  await load.more(25)
  await load.stopWithAtMost(0)
})

test('one whose file is removed leaves alone, without a failed request', async () => {
  const load = new Load(target)
  await load.more(25)
  await rm(lab.files.host(CALLEE.name).service('payments'))
  const left = `payments@pay-1:${SECOND} ${CALLEE.address}:15100`
  await until('the first to have left', async () => (await endpoints()).join() === left)
  await until('its number to be no name any more', async () => {
    return (await get(target).catch(() => undefined)) === undefined
  })
  await load.stop()
  assert.equal((await get({ ...target, port: SECOND })).text, 'second')
  assert.deepEqual(
    load.failures.filter(({ why }) => why.startsWith('status')),
    [],
  )
})
