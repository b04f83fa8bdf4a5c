import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseHosts } from '../../controlplane/offline/hosts-file.js'
import { runPipeline } from './pipeline.js'

const hostAt = (address: string) =>
  parseHosts('hosts.yaml', `pay-1: { address: ${address}, services: { payments: {} } }`).agents

/** A pipeline whose streams say that they were busy so long. @returns how to change a host until that is built */
async function running(t: TestContext, fanOutMs: number) {
  const { agents, until } = runPipeline(t, hostAt('10.0.0.1'), { fanOutMs: () => fanOutMs })
  const isAt = (address: string) => until(({ catalog }) => catalog.hosts.get('pay-1')?.inbound.address === address)
  await isAt('10.0.0.1')
  return async (address: string) => {
    const begun = performance.now()
    agents.set(hostAt(address))
    await isAt(address)
    return performance.now() - begun
  }
}

test('changes in a row leave the streams twice the time that each fan-out takes', async (t) => {
  const change = await running(t, 200)
  await change('10.0.0.2')
  const second = await change('10.0.0.3')
  assert.ok(second >= 395, `built after ${second} ms`)
})

test('no change waits for more than a second for those before it', async (t) => {
  const change = await running(t, 5_000)
  await change('10.0.0.2')
  const second = await change('10.0.0.3')
  assert.ok(second >= 995 && second < 4_000, `built after ${second} ms`)
})

test('a change after quiet is built at once', async (t) => {
  const change = await running(t, 100)
  const soonest: number[] = []
  for (const address of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) {
    const quiet = AbortSignal.timeout(500)
    await new Promise((resolve) => quiet.addEventListener('abort', resolve))
    soonest.push(await change(address))
  }
  assert.ok(Math.min(...soonest) < 150, `built after ${soonest} ms`)
})
