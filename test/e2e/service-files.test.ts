import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, type TestContext, test } from 'node:test'
import type { StatusView } from '../../common/admin-api.js'
import { delay } from '../../common/tasks.js'
import { type Application, answerWithRequest, startHttp } from './application.js'
import { closeConnections, get, resolverOf, targetOn } from './client.js'
import { placeFile } from './files.js'
import { HTTP_PORT, PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { Load } from './load.js'
import { until } from './until.js'

const POLICY = 'kind: host-policy\nhosts: [pay-1]\nservices: ["orders-*"]\n'
/** Each figure is the best and the median of so many: other tests may have the machine meanwhile. */
const TRIES = 5
const OLD_PORT = 9101
const NEW_PORT = 9102

let lab: MeshLab
const applications: Application[] = []

before(async () => {
  for (const [address, port] of [
    [WEB.address, 8080],
    [PAY_1.address, HTTP_PORT],
    [PAY_1.address, OLD_PORT],
    [PAY_1.address, NEW_PORT],
  ] as const) {
    applications.push(
      await startHttp(address, port, (request, response) => {
        response.end(answerWithRequest(request, { port: String(port) }))
      }),
    )
  }
  lab = await MeshLab.start({ hosts: [WEB, PAY_1], documents: { 'hosts.yaml': POLICY } })
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of applications) await application.end()
})

const names = Array.from({ length: TRIES }, (_, index) => `orders-${index + 1}`)

function file(service: string, port: number, more = ''): string {
  return `service: ${service}\nport: ${port}\nprotocol: http\ncheck: { tcp: true, interval: 5s }\n${more}`
}

/** Changes something and waits until it is so; milliseconds. */
async function time(change: () => Promise<void>, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  await change()
  const never = new AbortController().signal
  while (!(await holds().catch(() => false))) {
    assert.ok(performance.now() - began < 20_000, 'not within 20 s')
    await delay(5, never)
  }
  return performance.now() - began
}

/** Asserts the promise of the best try, and prints the others. */
function checkBest(t: TestContext, all: readonly number[], most: number): void {
  const sorted = all.map(Math.round).sort((a, b) => a - b)
  t.diagnostic(`${sorted.join(', ')} ms; median ${sorted[Math.floor(sorted.length / 2)]} ms`)
  assert.ok((sorted[0] ?? most) < most, `none of ${sorted.join(', ')} ms is less than ${most} ms`)
}

/** Whether a request by name from web-1 is answered by the application on that port. */
async function answersFrom(service: string, port: number): Promise<boolean> {
  const { text } = await get(await targetOn(WEB, service, 80))
  return text.includes(`"port":"${port}"`)
}

async function isUnknown(service: string): Promise<boolean> {
  try {
    await resolverOf(WEB).resolve4(`${service}.mesh`)
    return false
  } catch (error) {
    return (error as { code?: string }).code === 'ENOTFOUND'
  }
}

test('a service file that is added is in effect for other hosts within 1 s', async (t) => {
  const took: number[] = []
  for (const name of names) {
    const add = () => placeFile(lab.files.host('pay-1').service(name), file(name, OLD_PORT))
    took.push(await time(add, () => answersFrom(name, OLD_PORT)))
  }
  checkBest(t, took, 1000)
})

test('a service file that is changed is in effect for other hosts within 1 s', async (t) => {
  const took: number[] = []
  for (const name of names) {
    const change = () => placeFile(lab.files.host('pay-1').service(name), file(name, NEW_PORT))
    took.push(await time(change, () => answersFrom(name, NEW_PORT)))
  }
  checkBest(t, took, 1000)
})

test('a new label takes no request from a service that has one instance alone', async () => {
  const load = new Load(await targetOn(WEB, 'orders-1', 80))
  await load.more(25)
  for (const version of ['v1', 'v2', 'v3']) {
    await placeFile(lab.files.host('pay-1').service('orders-1'), file('orders-1', NEW_PORT, `version: ${version}\n`))
    await load.more(40)
  }
  await load.stopWithAtMost(0)
})

test('a service file that is removed takes the name away on other hosts within 2 s', async (t) => {
  const took: number[] = []
  for (const name of names) {
    took.push(
      await time(
        () => rm(lab.files.host('pay-1').service(name)),
        () => isUnknown(name),
      ),
    )
  }
  checkBest(t, took, 2000)
})

test('a misspelt file that is new is told by the status and the list of hosts, and its host works on', async () => {
  const path = lab.files.host('pay-1').service('misspelt')
  const told = async () =>
    (await lab.ask<StatusView>('/v1/status')).problems.map(({ place, code }) => `${place} ${code}`)
  await placeFile(path, 'servise: misspelt\nport: 9103\n')
  await until('the status to name the file', async () =>
    (await told()).some((line) => /^pay-1:services\.d\/misspelt\.yaml:1:1 MSH0201$/.test(line)),
  )
  assert.match((await lab.hostView(PAY_1)).notes.join(), /problems? in its files/)
  assert.match(await lab.mesh('hosts'), /pay-1 .* problems? in its files/)
  await rm(path)
  await until('the status to be without it', async () => !(await told()).some((line) => line.includes('misspelt')))
  assert.doesNotMatch((await lab.hostView(PAY_1)).notes.join(), /in its files/)
})
