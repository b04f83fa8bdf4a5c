import assert from 'node:assert/strict'
import { promises as dns } from 'node:dns'
import { after, before, test } from 'node:test'
import { type Application, startHttp } from './application.js'
import { resolverOf } from './client.js'
import { placeFile } from './files.js'
import { WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

const CHANGES = 50

let lab: MeshLab
let web: Application

before(async () => {
  web = await startHttp(WEB.address, 8080, (_, response) => response.end())
  lab = await MeshLab.start({ hosts: [WEB] })
})

after(async () => {
  await lab?.end()
  await web?.end()
})

test('the name of a service is an address of the own range of the host', async () => {
  const addresses = await resolverOf(WEB).resolve4('web.mesh')
  assert.equal(addresses.length, 1)
  assert.match(addresses[0] ?? '', /^127\.91\./)
})

test('asked for IPv6 a name exists and has the same address, mapped', async () => {
  const [address = ''] = await resolverOf(WEB).resolve4('web.mesh')
  assert.deepEqual(await resolverOf(WEB).resolve6('web.mesh'), [`::ffff:${address}`])
})

for (const type of ['A', 'AAAA'] as const) {
  test(`a name of the mesh that no service has does not exist, asked for ${type}`, async () => {
    await assert.rejects(resolverOf(WEB).resolve(`nothing.mesh`, type), { code: 'ENOTFOUND' })
  })
}

test('names keep their addresses and every question is answered while 50 services are added', async () => {
  const [address = ''] = await resolverOf(WEB).resolve4('web.mesh')
  const asking = new Asking(address)
  for (let change = 0; change < CHANGES; change++) {
    await placeFile(lab.files.catalog(`added-${change}.yaml`), addedService(change))
    await until(`added-${change} to have a name`, () => resolverOf(WEB).resolve4(`added-${change}.mesh`))
  }
  const { asked, wrong } = await asking.stop()
  assert.deepEqual(wrong, [])
  assert.ok(asked >= CHANGES, `only ${asked} questions were asked`)
})

function addedService(index: number): string {
  return `kind: catalog
service: added-${index}
instances:
  - { address: 127.0.3.200, port: ${5000 + index} }
`
}

/** Asks for `web.mesh` again and again, each question once, and keeps the answers that are not the one expected. */
class Asking {
  readonly #wrong: string[] = []
  readonly #loop: Promise<void>
  #asked = 0
  #ended = false

  constructor(expected: string) {
    this.#loop = this.#run(expected)
  }

  async stop(): Promise<{ readonly asked: number; readonly wrong: readonly string[] }> {
    this.#ended = true
    await this.#loop
    return { asked: this.#asked, wrong: this.#wrong }
  }

  async #run(expected: string): Promise<void> {
    const resolver = new dns.Resolver({ timeout: 2000, tries: 1 })
    resolver.setServers(resolverOf(WEB).getServers())
    while (!this.#ended) {
      this.#asked++
      const answer = await resolver.resolve4('web.mesh').then(String, (error: Error) => error.message)
      if (answer !== expected) this.#wrong.push(answer)
    }
  }
}
