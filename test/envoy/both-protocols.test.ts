import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Latest, waitFor } from '../../common/latest.js'
import { envoyOrSkip, TEST_ENVOYS } from '../lab/envoy.js'
import { meshFrom } from '../mesh/inputs.js'
import { type Application, ask, startHttp } from './application.js'
import { EnvoyLab } from './lab.js'

/** Addresses of this process alone, so that other tests can run beside it. */
const NET = `127.${128 + (process.pid % 120)}`

const [WORLD, DELTA, PAY_1, PAY_2] = [1, 2, 3, 4].map((number) => `${NET}.255.${number}`) as [
  string,
  string,
  string,
  string,
]

const CALLS = { world: { address: WORLD, port: 9101 }, delta: { address: DELTA, port: 9101 } }

const upstreams = (address: string) =>
  `{ web: { port: 9000, upstreams: [{ service: payments, address: ${address}, port: 9101 }] } }`

/** Both callers of payments, and whichever instances of it there are. */
const hosts = (payments: Readonly<Record<string, string>>) => `
world-1: { address: ${WORLD}, range: '', services: ${upstreams(WORLD)} }
delta-1: { address: ${DELTA}, range: '', services: ${upstreams(DELTA)} }
pay-1: { address: ${PAY_1}, range: '', services: { ${payments['pay-1'] ?? ''} } }
pay-2: { address: ${PAY_2}, range: '', services: { ${payments['pay-2'] ?? ''} } }`

const V1 = { 'pay-1': 'payments: { port: 8080, version: v1 }' }
const BOTH = { ...V1, 'pay-2': 'payments: { port: 8080, version: v2 }' }
const V2 = { 'pay-2': 'payments: { port: 8080, version: v2 }' }

const to = (subset: string) => `
kind: service
service: payments
subsets:
  v1: { labels: { version: v1 } }
  v2: { labels: { version: v2 } }
---
kind: route
service: payments
rules:
  - to: { subset: ${subset} }
`

for (const version of TEST_ENVOYS) {
  describe(`two Envoys ${version} on one server, one with state-of-the-world and one with delta streams`, () => {
    let lab: EnvoyLab | undefined
    let missing: string | undefined
    const applications: Application[] = []

    before(async () => {
      const skip = (reason?: string) => {
        missing = reason
      }
      const binary = await envoyOrSkip({ skip }, version)
      if (binary === undefined) return
      lab = await EnvoyLab.start()
      applications.push(await startHttp({ address: PAY_1, port: 8080 }, 'one'))
      applications.push(await startHttp({ address: PAY_2, port: 8080 }, 'two'))
      await lab.startEnvoy('world-1', binary, 'GRPC')
      for (const host of ['delta-1', 'pay-1', 'pay-2']) await lab.startEnvoy(host, binary)
    })

    after(async () => {
      await lab?.stop()
      for (const application of applications) await application.stop()
    })

    const test = (name: string, run: (lab: EnvoyLab) => Promise<void>) =>
      it(name, async (t) => (lab === undefined ? t.skip(missing) : run(lab)))

    const use = async (lab: EnvoyLab, payments: Readonly<Record<string, string>>, documents = '') => {
      const mesh = meshFrom(hosts(payments), documents)
      assert.deepEqual(
        mesh.problems.filter(({ severity }) => severity === 'error'),
        [],
      )
      await lab.serve(mesh)
    }

    const answers = async (lab: EnvoyLab, payments: Readonly<Record<string, string>>, documents = '') => {
      await use(lab, payments, documents)
      return { world: (await ask(CALLS.world)).text, delta: (await ask(CALLS.delta)).text }
    }

    test('carry requests and follow endpoints, subsets and routes alike', async (lab) => {
      assert.deepEqual(await answers(lab, V1), { world: 'one', delta: 'one' })
      assert.deepEqual(await answers(lab, V2), { world: 'two', delta: 'two' })
      assert.deepEqual(await answers(lab, BOTH, to('v1')), { world: 'one', delta: 'one' })
      assert.deepEqual(await answers(lab, BOTH, to('v2')), { world: 'two', delta: 'two' })
    })

    test('lose no request while clusters, endpoints and routes change places', async (lab) => {
      await use(lab, BOTH, to('v1'))
      const load = [new Calls(CALLS.world), new Calls(CALLS.delta)]
      for (const plan of ['', to('v2'), to('v1'), '', to('v2')]) {
        const sent = load.map(({ count }) => count.value)
        await use(lab, BOTH, plan)
        for (const [index, { count }] of load.entries()) {
          await waitFor(count, (now) => now > (sent[index] ?? 0) + 20, AbortSignal.timeout(10_000))
        }
      }
      for (const calls of load) await calls.stop()
      assert.deepEqual(
        load.flatMap(({ failures }) => failures),
        [],
      )
      assert.equal(await lab.stat('world-1', 'cluster_manager.cds.update_rejected'), 0)
    })

    test('hold the same clusters, and have refused nothing', async (lab) => {
      await use(lab, BOTH, to('v2'))
      const clusters = async (host: string) =>
        [...new Set((await lab.configDump(host)).match(/"payments\/main[^"]*"/g))].sort()
      assert.deepEqual(await clusters('world-1'), await clusters('delta-1'))
      assert.ok((await clusters('world-1')).length > 0)
      assert.deepEqual(
        lab.streams.flatMap(({ refused }) => refused),
        [],
      )
      assert.equal(lab.streams.length, 4)
    })
  })
}

/** Sends one request after the other until it is stopped, at most 20,000, and keeps what failed. */
class Calls {
  readonly failures: string[] = []
  readonly count = new Latest(0)
  readonly #running: Promise<void>
  #stopped = false

  constructor(target: { readonly address: string; readonly port: number }) {
    this.#running = this.#run(target)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(target: { readonly address: string; readonly port: number }): Promise<void> {
    while (!this.#stopped && this.count.value < 20_000) {
      const { status, text } = await ask(target).catch((error: Error) => ({ status: 0, text: error.message }))
      if (status !== 200) this.failures.push(`request ${this.count.value}: ${status} ${text}`)
      this.count.set(this.count.value + 1)
    }
  }
}
