import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { HostView, StatusView } from '../../common/admin-api.js'
import { delay } from '../../common/tasks.js'
import { get } from './client.js'
import { Fleet } from './fleet.js'
import type { LabHost } from './hosts.js'
import { REFUSED_ROUTE } from './refused.js'
import { until } from './until.js'

/** Callers of payments beside web, so that what many refuse can be stopped before it reaches all. */
const MORE: readonly LabHost[] = [11, 12, 13].map((number) => ({
  name: `more-${number}`,
  address: `127.0.3.${number}`,
  range: `127.${90 + number}.0.0/16`,
  services: [{ service: `more-${number}`, port: 8080 }],
}))

const PATHS = ['/a', '/b']

function answering(status: number): string {
  return `kind: route
service: payments
rules:
  - name: a
    match: { path: { exact: /a } }
    respond: { status: ${status}, body: "of a" }
  - name: b
    match: { path: { exact: /b } }
    respond: { status: ${status}, body: "of b" }
`
}

let fleet: Fleet

before(async () => {
  fleet = await Fleet.start({ hosts: MORE, documents: { 'payments.yaml': answering(418) } })
})

after(() => fleet?.end())

function hosts(): Promise<readonly HostView[]> {
  return fleet.lab.ask<HostView[]>('/v1/hosts')
}

async function answersAre(status: number): Promise<boolean> {
  const answers = await Promise.all(PATHS.map((path) => get(fleet.payments, path)))
  return answers.every((answer) => answer.status === status)
}

test('a document that is written slowly in place is never in effect by half, also over a restart', async () => {
  const load = fleet.load()
  const path = fleet.lab.files.document('payments.yaml')
  const text = answering(451)
  const never = new AbortController().signal
  for (let end = 0; end < text.length; end += 18) {
    await writeFile(path, text.slice(0, end))
    if (end === 90) await fleet.lab.process('controlplane').end('SIGKILL')
    if (end === 108) fleet.lab.launchControlPlane()
    // The speed of the one who writes is what is tried here.
    await delay(100, never)
    for (const one of PATHS) assert.equal((await get(fleet.payments, one)).status, 418, `after ${end} bytes`)
  }
  await writeFile(path, text)
  await until('the whole document', () => answersAre(451))
  await load.stopWith()
})

test('a valid change is live beside a document that is not valid, which keeps its last good version, also over a restart', async () => {
  const load = fleet.load()
  await fleet.lab.place('payments.yaml', 'kind: route\nservice: payments\nrules: [{ timeout: never }]\n')
  await fleet.lab.place('ledger.yaml', 'kind: route\nservice: ledger\nrules:\n  - timeout: 7s\n')
  const named = async () => {
    const { problems } = await fleet.lab.ask<StatusView>('/v1/status')
    return problems.some(({ place }) => place.startsWith('mesh.d/payments.yaml:3'))
  }
  await until('the one that is not valid to be named', named)
  assert.ok(await answersAre(451))
  await fleet.lab.process('controlplane').end('SIGKILL')
  await fleet.lab.startControlPlane()
  await fleet.lab.settled()
  assert.ok(await named())
  assert.ok(await answersAre(451))
  await load.stopWith()
  await fleet.lab.place('payments.yaml', answering(418))
  await until('the mended document', () => answersAre(418))
})

test('a change that many hosts refuse stops spreading, and who restarts is served by what was before', async () => {
  const load = fleet.load()
  const late = MORE[2] as LabHost
  await fleet.lab.process(late.name).end('SIGTERM')
  await fleet.lab.place('payments.yaml', REFUSED_ROUTE)
  await until('three hosts to have refused it', async () => {
    return (await hosts()).filter(({ refused }) => refused.length > 0).length >= 3
  })
  fleet.lab.startAgent(late)
  await until('the late host to be live', async () => (await fleet.lab.hostView(late)).status === 'live')
  await until('its Envoy to be in step', async () => (await fleet.lab.hostView(late)).sync === 'SYNCED')
  assert.deepEqual((await fleet.lab.hostView(late)).refused, [])
  assert.ok(await answersAre(418))
  const named = (await hosts()).filter(({ sync }) => sync === 'REJECTED')
  assert.ok(named.length >= 3, `only ${named.map(({ host }) => host)} are named`)
  await load.stopWith()
})
