import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startAnswering } from './answering.js'
import type { Application } from './application.js'
import { closeConnections, get, type Target, targetOn } from './client.js'
import { HTTP_PORT, PAY_1, PAY_2, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

let lab: MeshLab
let target: Target
let applications: readonly Application[] = []

before(async () => {
  applications = await startAnswering([WEB, PAY_1, PAY_2])
  lab = await MeshLab.start({ hosts: [WEB, PAY_1, PAY_2] })
  target = await targetOn(WEB, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of applications) await application.end()
})

/** The part of the log of a process that came after some other part. */
async function logOf(name: string, from = 0): Promise<string> {
  return (await readFile(join(lab.files.root, `${name}.log`), 'utf8')).slice(from)
}

test('a ban ends what a host has open within 5 s, keeps it out, and costs no request', async () => {
  const load = new Load(target)
  await load.more(25)
  const [ours, theirs] = [(await logOf('controlplane')).length, (await logOf(PAY_2.name)).length]
  const began = performance.now()
  await lab.mesh('host', PAY_2.name, 'ban', '--reason', 'stolen')
  await until('session and ADS to end', async () => {
    const log = await logOf(PAY_2.name, theirs)
    return log.includes('no session with the control plane') && log.includes('the configuration stream ended')
  })
  const took = performance.now() - began
  assert.ok(took < 5000, `it took ${Math.round(took)} ms`)
  assert.equal((await lab.hostView(PAY_2)).status, 'banned')
  assert.match(await lab.mesh('hosts'), /pay-2 +banned/)
  await until('the host to be refused', async () => {
    return /"reason":"host pay-2 is banned","message":"connection refused"/.test(await logOf('controlplane', ours))
  })
  await until('the host to know why', async () => {
    return (await logOf(PAY_2.name, theirs)).includes('"error":"host pay-2 is banned"')
  })
  await until('pay-1 alone to serve', async () => {
    const served = await Promise.all(Array.from({ length: 20 }, async () => (await get(target)).text))
    return served.every((text) => text.includes('"servedBy":"pay-1"'))
  })
  await load.more(50)
  await load.stopWithAtMost(0)
  assert.doesNotMatch(await logOf(PAY_2.name, theirs), /certificate issued/)
})

test('a host that was banned is in again after an eviction and a new token', async () => {
  await lab.mesh('host', PAY_2.name, 'evict')
  await lab.process(PAY_2.name).end('SIGTERM')
  await rm(join(lab.files.host(PAY_2.name).state, 'identity'), { recursive: true })
  await lab.join(PAY_2)
  lab.startAgent(PAY_2)
  await lab.settled()
  await until('pay-2 to serve again', async () => (await get(target)).text.includes('"servedBy":"pay-2"'))
})
