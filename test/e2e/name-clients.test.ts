import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  CLIENTS,
  CLIENTS_DIRECTORY,
  type Client,
  type Family,
  type Found,
  makeOrSkip,
  runClient,
} from '../lab/clients.js'
import { type Namespace, namespaceOrSkip } from '../lab/namespace.js'
import { toolOrSkip } from '../lab/tools.js'
import { GREETER, HTTP_PORT, PAY_1, TCP_PORT, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

/** Names are answered on port 53, where every resolver can be pointed at. */
const CALLER = { ...WEB, names: { dns: '127.0.0.1:53' } }

const RESOLVER = 'nameserver 127.0.0.1\n'

/** Resolvers that get no answer ask again after 5 s; one that is told takes milliseconds. */
const AT_ONCE_MS = 4_000

/** An address out of the range of the caller's host, or the same as the clients write it in IPv6. */
const ADDRESS = /^(?:(?:::ffff:)?127\.91\.\d+\.\d+|0:0:0:0:0:ffff:7f5b:[0-9a-f]+)$/

let namespace: Namespace
let lab: MeshLab | undefined
let directory: string
let missing: string | undefined

before(async () => {
  const skip = (reason?: string) => (missing = reason)
  if ((await toolOrSkip({ skip }, 'python3')) === undefined) return
  const found = await namespaceOrSkip({ skip })
  if (found === undefined) return
  namespace = found
  directory = await mkdtemp(join(tmpdir(), 'mesh-clients-'))
  await serve(WEB.address, 8080, 'web')
  await serve(PAY_1.address, HTTP_PORT, 'payments')
  await serve(GREETER.address, TCP_PORT, 'welcome')
  lab = await MeshLab.start({ hosts: [CALLER, PAY_1, GREETER], within: namespace.within })
  await namespace.resolveWith(RESOLVER)
  await until('names to be answered', async () => /^0 127\.91\./.test(await ask('greeter.mesh', 1)))
})

after(async () => {
  await lab?.end()
  if (missing !== undefined) return
  await namespace.end()
  await rm(directory, { recursive: true, force: true })
})

for (const client of CLIENTS) describe(client.name, () => testClient(client))

function testClient(client: Client): void {
  let unusable: string | undefined

  before(async () => {
    const skip = (reason?: string) => (unusable = reason)
    if (missing === undefined) await makeOrSkip({ skip }, client, directory)
  })

  const test = (name: string, run: () => Promise<void>) =>
    it(name, async (t) => {
      const reason = missing ?? unusable
      if (reason !== undefined) return t.skip(reason)
      await run()
    })

  const find = (name: string, port: number = HTTP_PORT, family: Family = 'any') =>
    runClient(namespace, client, directory, { name, port, family })

  const assertCalls = ({ addresses, answer = '', error }: Found, said = /^HTTP\/1\.1 200/) => {
    assert.equal(error, undefined)
    assert.deepEqual(
      addresses.filter((address) => !ADDRESS.test(address)),
      [],
    )
    if (client.calls) assert.match(answer, said)
  }

  test('calls an http service by its name, on the port of its application and on 80', async () => {
    for (const port of [HTTP_PORT, 80]) assertCalls(await find('payments.mesh', port))
  })

  test('finds a name in upper case, and with a dot at its end', async () => {
    for (const name of ['PAYMENTS.mesh', 'Payments.MESH', 'payments.mesh.']) assertCalls(await find(name))
  })

  test('finds a name by a search domain, and behind search domains that do not have it', async () => {
    await namespace.resolveWith(`${RESOLVER}search corp.example mesh\noptions ndots:5\n`)
    try {
      for (const name of ['payments', 'payments.mesh']) assertCalls(await find(name))
    } finally {
      await namespace.resolveWith(RESOLVER)
    }
  })

  test('is told at once that a name does not exist, of the mesh or of others', async () => {
    for (const name of ['nothing.mesh', 'example.com']) {
      const { addresses, error, took } = await find(name)
      assert.deepEqual(addresses, [])
      assert.ok(error !== undefined)
      assert.ok(took < AT_ONCE_MS, `it took ${Math.round(took)} ms`)
    }
  })

  for (const family of client.families) {
    const fails = family === '6' && client.mapped === 'IPv4'
    test(`asked for ${family}, ${fails ? 'has no address, as it takes it for IPv4' : 'has an address that it can call'}`, async () => {
      const found = await find('payments.mesh', HTTP_PORT, family)
      if (!fails) return assertCalls(found)
      assert.match(found.error ?? '', /no suitable address/)
    })
  }

  if (client.tcp) {
    test('calls a tcp service by its name', async () => {
      assertCalls(await find('greeter.mesh', TCP_PORT), /^welcome$/)
    })
  }
}

/** What browsers, mail servers and tools ask of names: by type its number, and the code of the answer, which is empty. */
const NOT_IMPLEMENTED = 4
const NAME_ERROR = 3
const OTHER_TYPES = {
  NS: [2, NOT_IMPLEMENTED],
  SOA: [6, NOT_IMPLEMENTED],
  MX: [15, NOT_IMPLEMENTED],
  TXT: [16, NOT_IMPLEMENTED],
  SRV: [33, NAME_ERROR],
  SVCB: [64, NOT_IMPLEMENTED],
  HTTPS: [65, NOT_IMPLEMENTED],
  ANY: [255, NOT_IMPLEMENTED],
} as const

for (const [name, [type, code]] of Object.entries(OTHER_TYPES)) {
  itIn(`a question of type ${name} is answered at once, with nothing`, async () => {
    for (const asked of ['payments.mesh', 'nothing.mesh']) assert.equal(await ask(asked, type), `${code} 1`)
  })
}

itIn('400 questions with EDNS at once are all answered', async () => {
  assert.match(await ask('payments.mesh', 1, 400), /^0 127\.91\.\d+\.\d+ 400$/)
})

itIn('names are answered while the agent is dead', async () => {
  await lab?.process(CALLER.name).end('SIGKILL')
  try {
    assert.match(await ask('payments.mesh', 1), /^0 127\.91\./)
  } finally {
    lab?.startAgent(CALLER)
  }
})

function itIn(name: string, run: () => Promise<void>): void {
  it(name, async (t) => {
    if (missing !== undefined) return t.skip(missing)
    await run()
  })
}

async function serve(address: string, port: number, text: string): Promise<void> {
  await namespace.start('python3', [join(CLIENTS_DIRECTORY, 'python/serve.py'), address, `${port}`, text])
}

/** Asks the DNS listener on the loopback address of everybody, so many times at once. */
async function ask(name: string, type: number, times = 1): Promise<string> {
  const words = [join(CLIENTS_DIRECTORY, 'node/ask.mjs'), '127.0.0.1', '53', name, `${type}`, `${times}`]
  return (await namespace.run(process.execPath, words)).output.trim()
}
