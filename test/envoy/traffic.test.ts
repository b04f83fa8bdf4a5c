import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { connect } from 'node:net'
import type { SocketAddress } from '../../common/socket-address.js'
import { envoyOrSkip } from '../lab/envoy.js'
import { meshFrom, type TestMesh, TRUST_DOMAIN } from '../mesh/inputs.js'
import { type Application, ask, readGreeting, startGreeter, startHttp } from './application.js'
import { EnvoyLab } from './lab.js'

/** Addresses of this process alone, so that other tests can run beside it. */
const NET = `127.${128 + (process.pid % 120)}`

const [WEB, PAY_1, PAY_2] = [`${NET}.255.1`, `${NET}.255.2`, `${NET}.255.3`]

/** Only root may listen on port 80. */
const LOW_PORTS = process.getuid?.() === 0

const HOSTS = `
web-1:
  address: ${WEB}
  caller: web
  range: ${NET}.0.0/16
  occupied: [${LOW_PORTS ? '' : 80}]
  services:
    web: { port: 9000 }
    intruder:
      port: 9001
      upstreams:
        - { service: payments, address: ${WEB}, port: 9101 }
        - { service: ledger, address: ${WEB}, port: 9102 }
pay-1:
  address: ${PAY_1}
  range: ''
  services:
    payments: { port: 8080, version: v1 }
    ledger: { port: 5433, protocol: tcp }
pay-2:
  address: ${PAY_2}
  range: ''
  services:
    payments: { port: 8080, version: v2 }
`

const SUBSETS = `
kind: service
service: payments
subsets:
  v1: { labels: { version: v1 } }
  v2: { labels: { version: v2 } }
`

const INTRUDER_PAYMENTS = { address: WEB, port: 9101 }
const INTRUDER_LEDGER = { address: WEB, port: 9102 }

describe('requests through real Envoys', () => {
  let lab: EnvoyLab
  let one: Application
  let two: Application
  let ledger: Application
  let skipped = false

  before(async () => {
    const binary = await envoyOrSkip({ skip: () => (skipped = true) })
    if (binary === undefined) return
    lab = await EnvoyLab.start()
    for (const host of ['web-1', 'pay-1', 'pay-2']) await lab.startEnvoy(host, binary)
    await startApplications()
    await use()
  })

  after(async () => {
    await lab?.stop()
    for (const application of [one, two, ledger]) await application?.stop()
  })

  async function startApplications(): Promise<void> {
    one = await startHttp({ address: PAY_1, port: 8080 }, 'one')
    two = await startHttp({ address: PAY_2, port: 8080 }, 'two')
    ledger = await startGreeter({ address: PAY_1, port: 5433 }, 'hello from ledger')
  }

  /** Puts documents into effect on all Envoys. */
  async function use(documents = ''): Promise<TestMesh> {
    const mesh = meshFrom(HOSTS, documents)
    assert.deepEqual(
      mesh.problems.filter(({ severity }) => severity === 'error'),
      [],
    )
    await lab.serve(mesh)
    return mesh
  }

  /** Where a service is found by its name on the host of web. */
  function named(service: string, port: number): SocketAddress {
    const [view] = [...meshFrom(HOSTS).mesh.nameViews.values()]
    const address = view?.addresses.find((entry) => entry.service === service)?.address
    return { address: address ?? '', port }
  }

  const payments = () => named('payments', 8080)

  const test = (name: string, run: () => Promise<void>) =>
    it(name, async (t) => (skipped ? t.skip('there is no Envoy') : run()))

  test('a call by name reaches the application with the proven identity of its caller, whatever it forges', async () => {
    await use()
    one.seen.length = two.seen.length = 0
    const forged = {
      host: 'PAYMENTS.mesh:8080',
      'x-mesh-client': 'spiffe://golden.example/svc/admin',
      'x-mesh-undelivered': '1',
      'x-forwarded-client-cert': 'URI=spiffe://golden.example/svc/admin',
      'x-request-id': 'mine',
    }
    const { status } = await ask(payments(), '/a//b/../c?x=1', { headers: forged })
    assert.equal(status, 200)
    const [seen] = [...one.seen, ...two.seen]
    assert.equal(seen?.path, '/a/c?x=1')
    assert.equal(seen.headers['x-mesh-client'], 'spiffe://golden.example/svc/web')
    assert.equal(seen.headers['x-mesh-undelivered'], undefined)
    assert.match(String(seen.headers['x-forwarded-client-cert']), /^By=[^,]*;URI=spiffe:\/\/golden.example\/svc\/web$/)
    assert.equal(seen.headers['x-request-id'], 'mine')
    assert.equal(seen.headers.host, 'PAYMENTS.mesh')
    console.log(seen.headers)
  })
})
