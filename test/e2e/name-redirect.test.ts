import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { StatusView } from '../../common/admin-api.js'
import { CLIENTS_DIRECTORY } from '../lab/clients.js'
import { findTestEnvoy } from '../lab/envoy.js'
import { type Namespace, namespaceOrSkip } from '../lab/namespace.js'
import { toolOrSkip } from '../lab/tools.js'
import { placeFile, writeHost } from './files.js'
import { GREETER, HTTP_PORT, type LabHost, PAY_1, TCP_PORT, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

/** The host whose applications call. Its firewall sends what is for its names to Envoy. */
const CALLER: LabHost = { ...WEB, names: { dns: '127.0.0.1:53', mode: 'redirect' } }

/** The same with an agent that may not change the firewall, as packages install it. */
const UNPRIVILEGED: LabHost = { ...CALLER, before: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'] }

/** A service without an agent, on a port that no other program has. */
const THING_PORT = 9200

/** What Node says of a connection that was taken and closed without a word; it depends on whether it had written by then. */
const CLOSED = /^(?:closed|socket hang up|(?:read|write) ECONNRESET)$/

/** What the programs say that listen on all addresses, and have nothing to do with the mesh. */
const STRANGER = 'a stranger'

let namespace: Namespace
let lab: MeshLab | undefined
let missing: string | undefined

before(async () => {
  const skip = (reason?: string) => (missing = reason)
  for (const tool of ['python3', 'nft'] as const) if ((await toolOrSkip({ skip }, tool)) === undefined) return
  const found = await namespaceOrSkip({ skip })
  if (found === undefined) return
  namespace = found
  await serve(WEB.address, 8080, 'web')
  await serve(PAY_1.address, HTTP_PORT, 'payments')
  await serve(GREETER.address, TCP_PORT, 'welcome')
  await serve('127.0.3.200', THING_PORT, 'thing')
  for (const port of [80, HTTP_PORT, TCP_PORT]) await serve('0.0.0.0', port, STRANGER)
  lab = await MeshLab.start({ hosts: [CALLER, PAY_1, GREETER], within: namespace.within })
  await placeFile(lab.files.catalog('thing.yaml'), THING)
  await namespace.resolveWith('nameserver 127.0.0.1\n')
  await until('the last name to lead somewhere', async () => (await hear('thing.mesh', THING_PORT)) === 'thing')
})

after(async () => {
  await lab?.end()
  if (missing === undefined) await namespace.end()
})

test('an http service is called by its name on 80 and on its own port, although others listen on both', async () => {
  for (const port of [80, HTTP_PORT]) assert.equal(await hear('payments.mesh', port), 'payments')
})

test('a tcp service is called by its name, although another program listens on its port', async () => {
  assert.equal(await hear('greeter.mesh', TCP_PORT), 'welcome')
})

test('applications are reached where they listen, as if there were no mesh', async () => {
  for (const port of [80, HTTP_PORT, TCP_PORT]) assert.equal(await hear('127.0.0.1', port), STRANGER)
  assert.equal(await hear(PAY_1.address, HTTP_PORT), 'payments')
})

test('Envoy takes no port of a virtual address', async () => {
  const { output } = await namespace.run('cat', ['/proc/net/tcp'])
  assert.match(output, / 0100007F:3A99 /, 'Envoy listens on 127.0.0.1:15001')
  assert.doesNotMatch(output, / [0-9A-F]{4}5B7F:[0-9A-F]{4} [0-9A-F:]* 0A /, 'nothing listens on 127.91.0.0/16')
})

test('what no service is for is closed and passed on to nobody', async () => {
  for (const port of [80, TCP_PORT, 12345]) assert.match(await hear('127.91.255.254', port), CLOSED)
  assert.match(await hear('127.0.0.1', 15001), CLOSED)
})

test('nothing but the one table is in the firewall, and loading its file again changes nothing', async () => {
  const rules = async () => (await namespace.run('nft', ['list', 'ruleset'])).output
  const before = await rules()
  assert.match(
    before,
    /^table ip mesh_names \{\n[^}]*ip daddr 127\.91\.0\.0\/16 .* redirect to :15001\n[^}]*\}\s*\}\s*$/,
  )
  await namespace.run('nft', ['-f', ruleFile()])
  assert.equal(await rules(), before)
})

test('a rule that somebody removes is loaded again', async () => {
  await namespace.run('nft', ['delete', 'table', 'ip', 'mesh_names'])
  await until('the rule to be back', async () => (await hear('payments.mesh', 80)) === 'payments')
})

test('names lead to Envoy while the agent is dead, and with the next agent', async () => {
  await killAgent()
  assert.equal(await hear('payments.mesh', 80), 'payments')
  started(CALLER)
  await lab?.settled()
  assert.equal(await hear('payments.mesh', 80), 'payments')
})

test('an agent that may not load the rule says in status and log that it is missing, until it is there', async () => {
  await killAgent()
  await namespace.run('nft', ['delete', 'table', 'ip', 'mesh_names'])
  started(UNPRIVILEGED)
  await until('the host to say what is wrong', async () => (await notes()).some((note) => note.includes('nft -f')))
  const { problems } = (await lab?.ask<StatusView>('/v1/status')) ?? { problems: [] }
  assert.deepEqual(
    problems.filter(({ code }) => code === 'MSH0502').map(({ place, severity }) => ({ place, severity })),
    [{ place: CALLER.name, severity: 'error' }],
  )
  await namespace.run('nft', ['-f', ruleFile()])
  await until('the host to be content', async () => (await notes()).length === 0)
  assert.equal(await hear('payments.mesh', 80), 'payments')
})

test('a host that changes its mode keeps its Envoy, and takes its rule away', async () => {
  const pid = await lab?.envoyPid(CALLER)
  await useMode({ ...CALLER, names: { dns: '127.0.0.1:53', mode: 'bind' } })
  await until(
    'the rule to be gone',
    async () => !(await namespace.run('nft', ['list', 'ruleset'])).output.includes('mesh'),
  )
  await until('Envoy to listen itself', async () => (await hear('thing.mesh', THING_PORT)) === 'thing')
  await useMode(CALLER)
  await until('calls to be redirected', async () => (await hear('payments.mesh', 80)) === 'payments')
  assert.equal(await hear('thing.mesh', THING_PORT), 'thing')
  assert.equal(await lab?.envoyPid(CALLER), pid)
})

/** A test that is skipped where the lab could not be had. */
function test(name: string, run: () => Promise<void>): void {
  it(name, async (t) => {
    if (missing !== undefined) return t.skip(missing)
    await run()
  })
}

async function serve(address: string, port: number, text: string): Promise<void> {
  await namespace.start('python3', [join(CLIENTS_DIRECTORY, 'python/serve.py'), address, `${port}`, text])
}

/** What answers at a name or address: what it says, or why nothing does. */
async function hear(name: string, port: number): Promise<string> {
  const words = [join(CLIENTS_DIRECTORY, 'node/client.mjs'), name, `${port}`, 'any']
  const { output } = await namespace.run(process.execPath, words)
  const [, said] = /^body (.*)$/m.exec(output) ?? /^answer (.*)$/m.exec(output) ?? /^error (.*)$/m.exec(output) ?? []
  return said ?? output
}

function ruleFile(): string {
  return join(lab?.files.host(CALLER.name).run ?? '', 'names.nft')
}

async function notes(): Promise<readonly string[]> {
  return (await lab?.hostView(CALLER))?.notes ?? []
}

async function killAgent(): Promise<void> {
  await lab?.process(CALLER.name).end('SIGKILL')
}

function started(host: LabHost): void {
  lab?.startAgent(host)
}

async function useMode(host: LabHost): Promise<void> {
  if (lab === undefined) return
  await killAgent()
  await writeHost(lab.files.host(host.name), host, await findTestEnvoy())
  started(host)
}

const THING = `kind: catalog
service: thing
protocol: http
instances:
  - { address: 127.0.3.200, port: ${THING_PORT} }
`
