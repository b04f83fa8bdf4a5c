import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { findTool } from '../lab/tools.js'
import { get } from './client.js'
import { CALLER, FIRST, Fleet, SECOND } from './fleet.js'
import { processorMs } from './process-table.js'
import { until } from './until.js'

let fleet: Fleet

before(async () => {
  fleet = await Fleet.start()
})

after(() => fleet?.end())

/** Takes the descriptors of a running process away: it keeps those that it has and gets no more. */
async function exhaust(pid: number): Promise<void> {
  const used = new Set((await readdir(`/proc/${pid}/fd`)).map(Number))
  let free = 0
  while (used.has(free)) free++
  await limit(pid, free)
}

async function limit(pid: number, soft: number): Promise<void> {
  const prlimit = await findTool('prlimit')
  await new Promise<void>((resolve, reject) => {
    execFile(prlimit, ['--pid', String(pid), `--nofile=${soft}:`], (error) => (error ? reject(error) : resolve()))
  })
}

/** Waits until the mesh is whole again. */
function recovered(): Promise<void> {
  return until('the mesh to be whole', () => fleet.lab.settled().then(() => true), 60_000)
}

/** Runs while a process has no descriptors. @returns which share of a processor it used meanwhile */
async function without(pid: number, run: () => Promise<void>): Promise<number> {
  const [cpu, began] = [await processorMs(pid), performance.now()]
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8')
  const before = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1])
  await exhaust(pid)
  try {
    await run()
    return ((await processorMs(pid)) - cpu) / (performance.now() - began)
  } finally {
    await limit(pid, before)
  }
}

test('a control plane without descriptors keeps its streams, is not busy, and takes new ones when it has some again', async () => {
  const { pid } = fleet.lab.process('controlplane')
  const load = fleet.load()
  const lines = (await fleet.lab.logOf('controlplane')).length
  const busy = await without(pid, async () => {
    await fleet.lab.process(SECOND.name).end('SIGKILL')
    fleet.lab.startAgent(SECOND)
    await load.more(250)
  })
  assert.ok(busy < 0.6, `it used ${Math.round(busy * 100)} % of a processor`)
  assert.ok(fleet.lab.process('controlplane').running())
  await recovered()
  await load.stopWith()
  const said = (await fleet.lab.logOf('controlplane')).length - lines
  assert.ok(said < 200, `it logged ${said} lines`)
})

test('an agent without descriptors keeps its streams and its Envoy, is not busy, and recovers', async () => {
  const { pid } = fleet.lab.process(FIRST.name)
  const load = fleet.load()
  const lines = (await fleet.lab.logOf(FIRST.name)).length
  const busy = await without(pid, () => load.more(250))
  assert.ok(busy < 0.6, `it used ${Math.round(busy * 100)} % of a processor`)
  assert.ok(fleet.lab.process(FIRST.name).running())
  await recovered()
  await load.stopWith()
  const said = (await fleet.lab.logOf(FIRST.name)).length - lines
  assert.ok(said < 200, `it logged ${said} lines`)
})

test('an Envoy without descriptors answers on the connections that it has, is not busy, and recovers', async () => {
  const pid = await fleet.lab.envoyPid(CALLER)
  // A connection of the pool of this process, which the next requests use.
  assert.equal((await get(fleet.payments)).status, 200)
  const busy = await without(pid, async () => {
    for (let times = 0; times < 100; times++) assert.equal((await get(fleet.payments)).status, 200)
  })
  assert.ok(busy < 0.9, `it used ${Math.round(busy * 100)} % of a processor`)
  assert.equal(await fleet.lab.envoyPid(CALLER), pid)
  const load = fleet.load()
  await load.more(100)
  await load.stopWith()
})
