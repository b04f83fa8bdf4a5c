import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { StatusView } from '../../common/admin-api.js'
import { Herd } from '../herd/herd.js'
import { Fleet } from './fleet.js'
import { processorMs } from './process-table.js'
import { until } from './until.js'

const HOSTS = 200
const SERVICES = 20

/** What all of them may cost of a processor of the control plane, milliseconds: so a machine that is busy counts for nothing. */
const PROCESSOR_MS = 10_000

/** The longest that the control plane may leave a question unanswered while all come back, milliseconds. */
const LONGEST_SILENCE_MS = 10_000

let fleet: Fleet
let herd: Herd

before(async () => {
  fleet = await Fleet.start()
  const { lab } = fleet
  const services = Array.from({ length: SERVICES }, (_, index) => ['--service', `herd-${index}`]).flat()
  const token = (await lab.mesh('token', 'create', '--host', 'herd-*', '--uses', String(HOSTS), ...services)).trim()
  herd = new Herd({ hosts: HOSTS, services: SERVICES, token, directory: join(lab.files.root, 'herd') })
  await until('the herd to have joined', () => herd.joined, 120_000)
})

after(async () => {
  await herd?.end()
  await fleet?.end()
})

async function everybodyThere(): Promise<boolean> {
  const { hosts } = await fleet.lab.ask<StatusView>('/v1/status')
  return hosts.live >= HOSTS + fleet.lab.hosts.length && herd.inStep === HOSTS
}

test(`${HOSTS} hosts that come at once are all served`, async () => {
  await until('all of them', everybodyThere, 180_000)
})

test(`${HOSTS} hosts are back after a restart of the control plane for 10 s of its processor time, and no request fails meanwhile`, async () => {
  const load = fleet.load()
  await load.more(25)
  await fleet.lab.process('controlplane').end('SIGKILL')
  await until('the herd to notice', () => herd.inStep === 0)
  await fleet.lab.startControlPlane()
  let longest = 0
  await until(
    'all of them',
    async () => {
      const asked = performance.now()
      const there = await everybodyThere()
      longest = Math.max(longest, performance.now() - asked)
      return there
    },
    180_000,
  )
  const used = await processorMs(fleet.lab.process('controlplane').pid)
  assert.ok(used <= PROCESSOR_MS, `it used ${used} ms`)
  assert.ok(longest <= LONGEST_SILENCE_MS, `a question waited ${Math.round(longest)} ms`)
  await load.stopWith()
})
