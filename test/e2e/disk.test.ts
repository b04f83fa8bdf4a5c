import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findTool } from '../lab/tools.js'
import { get } from './client.js'
import { placeFile } from './files.js'
import { CALLER, Fleet } from './fleet.js'
import { until } from './until.js'

let fleet: Fleet
let prlimit: string

before(async () => {
  prlimit = await findTool('prlimit')
  fleet = await Fleet.start()
})

after(() => fleet?.end())

/** Lets a process write to no file any more, its log included, as when every disk is full. */
function fill(pid: number): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(prlimit, ['--pid', String(pid), '--fsize=0:'], (error) => (error ? reject(error) : resolve()))
  })
}

function teapot(status: number): string {
  return `kind: route\nservice: payments\nrules:\n  - match: { path: { exact: /teapot } }\n    respond: { status: ${status} }\n`
}

test('an agent whose disk is full keeps its Envoy and takes changes', async () => {
  const envoy = await fleet.lab.envoyPid(CALLER)
  const load = fleet.load()
  await fill(fleet.lab.process(CALLER.name).pid)
  for (const status of [418, 451]) {
    await fleet.lab.place('payments.yaml', teapot(status))
    await until('the new route', async () => (await get(fleet.payments, '/teapot')).status === status)
  }
  await load.more(50)
  assert.ok(fleet.lab.process(CALLER.name).running())
  assert.equal(await fleet.lab.envoyPid(CALLER), envoy)
  await load.stopWith()
})

test('an agent that starts with a full disk adopts its Envoy and stays', async () => {
  const envoy = await fleet.lab.envoyPid(CALLER)
  const load = fleet.load()
  await fleet.lab.process(CALLER.name).end('SIGKILL')
  await forgetCaller()
  fleet.lab.startAgent({ ...CALLER, before: [prlimit, '--fsize=0:', '--'] })
  await fleet.lab.settled()
  await load.more(150)
  assert.ok(fleet.lab.process(CALLER.name).running())
  assert.equal(await fleet.lab.envoyPid(CALLER), envoy)
  await load.stopWith()
})

/** Has the agent decide once more whose identity calls by name carry, which it then has to write down. */
async function forgetCaller(): Promise<void> {
  const path = join(fleet.lab.files.host(CALLER.name).state, 'identity', 'membership.json')
  const { caller, ...rest } = JSON.parse(await readFile(path, 'utf8')) as { readonly caller?: string }
  assert.equal(caller, 'web')
  await placeFile(path, JSON.stringify(rest))
}
