import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { notStarted } from '../../agent/envoy/supervise.js'
import type { HostFacts } from '../../agent/reports.js'
import type { ServiceHealths } from '../../agent/service-checks.js'
import type { ServiceFile } from '../../agent/service-file.js'
import { ServicesLoader } from '../../agent/services.js'
import { untilSettled } from '../../agent/settled.js'
import { Latest } from '../../common/latest.js'

/** An agent that starts on a host with one service, of which everything is known but its health. */
function starting(t: TestContext, check: string) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const text = `service: web\nport: 80\nprotocol: http\ncheck: ${check}\n`
  const files = { files: [{ shown: 'web.yaml', text }], hidden: [], problems: [] }
  const services = new Latest<readonly ServiceFile[]>([])
  const healths = new Latest<ServiceHealths>(new Map())
  const facts = new Latest({ occupiedPorts: [80] } as Partial<HostFacts> as HostFacts)
  const parts = { services, healths, facts, envoy: new Latest(notStarted(0)), whole: new Latest(false) }
  services.set(new ServicesLoader().load(files, 0).services)
  let settled = false
  void untilSettled(parts, t.signal).then(() => {
    settled = true
  })
  /** Lets milliseconds pass. @returns whether it has settled then */
  const after = async (ms: number) => {
    t.mock.timers.tick(ms)
    await new Promise((resolve) => setImmediate(resolve))
    return settled
  }
  return { healths, after }
}

test('an agent that starts reports when it knows the health of its services', async (t) => {
  const { healths, after } = starting(t, '{ tcp: true }')
  assert.equal(await after(500), false)
  healths.set(new Map([['web:80', { health: 'passing', detail: 'port 80 takes connections' }]]))
  assert.equal(await after(0), true)
})

test('an agent that starts waits for a check that takes long, and does not call its service critical', async (t) => {
  const { healths, after } = starting(t, '{ exec: [/usr/bin/slow], timeout: 10s }')
  assert.equal(await after(3000), false)
  assert.equal(await after(5000), false)
  healths.set(new Map([['web:80', { health: 'passing', detail: 'exited with 0' }]]))
  assert.equal(await after(0), true)
})

for (const [timeout, ms] of [
  ['1s', 3000],
  ['10s', 11_000],
  ['5m', 30_000],
] as const) {
  test(`an agent that starts waits at most ${ms} ms for a check that may take ${timeout}`, async (t) => {
    const { after } = starting(t, `{ exec: [/usr/bin/slow], timeout: ${timeout} }`)
    assert.equal(await after(2999), false)
    await after(1)
    if (ms > 3000) assert.equal(await after(ms - 3001), false)
    assert.equal(await after(1), true)
  })
}
