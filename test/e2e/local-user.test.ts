import assert from 'node:assert/strict'
import { chmod, readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { SocketAddress } from '../../common/socket-address.js'
import { type Application, startHttp } from './application.js'
import { PAY_1, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { type Attempts, everythingBelow, tryAs } from './local-user.js'

const isRoot = process.getuid?.() === 0
let lab: MeshLab
const applications: Application[] = []

before(async () => {
  if (!isRoot) return
  for (const { address, services } of [WEB, PAY_1]) {
    // Whatever answers the paths of Envoy's admin is not an application.
    const nothing = (_: unknown, response: ServerResponse) => response.writeHead(404).end()
    applications.push(await startHttp(address, services[0]?.port ?? 0, nothing))
  }
  lab = await MeshLab.start({ hosts: [WEB, PAY_1] })
  // The temporary directory of a test keeps everybody out, and the real directories do not lie in one.
  for (const directory of [lab.files.root, ...lab.hosts.map(({ name }) => join(lab.files.root, name))]) {
    await chmod(directory, 0o755)
  }
})

after(async () => {
  await lab?.end()
  for (const application of applications) await application.end()
})

test('a local user who is nobody reads no file, reaches no socket and no admin of the mesh', async (t) => {
  if (!isRoot) return t.skip('only root can be another user')
  const attempts = await collect()
  const { files, sockets } = attempts
  for (const part of ['host.pem', 'svc-web.pem', 'bundle.pem', 'membership.json', 'intermediate.key', 'tokens.json'])
    assert.ok(
      files.some((path) => path.endsWith(`/${part}`)),
      part,
    )
  assert.ok(sockets.length >= 5, sockets.join())
  // Root gets everything, which shows that the attempts are good ones.
  const root = await tryAs('root', { ...attempts, ports: [] })
  assert.deepEqual(root.files, files)
  assert.deepEqual(root.sockets, sockets)
  assert.deepEqual(await tryAs('nobody', attempts), { files: [], sockets: [], ports: [] })
})

/** All that the parts of the mesh made, what their processes show of themselves, and the ports that are open here. */
async function collect(): Promise<Attempts> {
  const pids = [lab.process('controlplane').pid]
  const places = [join(lab.files.root, 'state')]
  for (const host of lab.hosts) {
    const { state, run, envoyRun } = lab.files.host(host.name)
    places.push(state, run, envoyRun)
    pids.push(lab.process(host.name).pid, await lab.envoyPid(host))
  }
  const below = await Promise.all(places.map(everythingBelow))
  const processes = pids.flatMap((pid) => ['environ', 'maps', 'fd'].map((name) => `/proc/${pid}/${name}`))
  return {
    files: [...below.flatMap(({ files }) => files), ...processes],
    sockets: [lab.files.socket, ...below.flatMap(({ sockets }) => sockets)],
    ports: await listening(),
  }
}

/** Where TCP is listened to in this network namespace. */
async function listening(): Promise<readonly SocketAddress[]> {
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1)
  return lines.flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    if (state !== '0A') return []
    const [hex = '', port = ''] = local.split(':')
    const bytes = hex.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []
    const address = bytes.toReversed().join('.')
    return [{ address: address === '0.0.0.0' ? '127.0.0.1' : address, port: Number.parseInt(port, 16) }]
  })
}
