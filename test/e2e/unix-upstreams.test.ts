import assert from 'node:assert/strict'
import { chmod, rm, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Application, answerWithRequest, startHttp, startTcp } from './application.js'
import { closeConnections, get, targetOn } from './client.js'
import { forgetCached, placeFile, readCached } from './files.js'
import { GREETER, HTTP_PORT, type LabHost, PAY_1, TCP_PORT, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { tryAs } from './local-user.js'
import { until } from './until.js'

const GREETING = '220 greeter ready\r\n'

const RULE = 'kind: authorization\nservice: greeter\nallow: [{ from: { services: [batch] } }]\n'

const CALLER: LabHost = {
  ...WEB,
  as: 'web',
  services: [...WEB.services, { service: 'batch', port: 8081, check: 'none' }],
}

let lab: MeshLab
let sockets: string
const applications: Application[] = []

before(async () => {
  applications.push(
    await startHttp(WEB.address, 8080, (_, response) => response.end()),
    await startHttp(PAY_1.address, HTTP_PORT, (incoming, response) => response.end(answerWithRequest(incoming))),
    await startTcp(GREETER.address, TCP_PORT, (socket) => socket.write(GREETING)),
  )
  lab = await MeshLab.start({ hosts: [CALLER, PAY_1, GREETER], documents: { 'rule.yaml': RULE } })
  sockets = join(lab.files.host(CALLER.name).envoyRun, 'upstreams', 'batch')
  // So that only what the agent made keeps other users out.
  for (const path of [lab.files.root, join(lab.files.root, CALLER.name)]) await chmod(path, 0o755)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of applications) await application.end()
})

const pay = () => join(sockets, 'pay.sock')
const greet = () => join(sockets, 'greet.sock')

/** Gives the service batch these upstreams. */
function declare(...upstreams: readonly string[]): Promise<void> {
  const text = `service: batch\nport: 8081\nprotocol: http\ncheck: none\nupstreams: [${upstreams.join(', ')}]\n`
  return placeFile(lab.files.host(CALLER.name).service('batch'), text)
}

const toPayments = (more = '') => `{ service: payments, bind: "unix:${pay()}"${more} }`
const toGreeter = (more = '') => `{ service: greeter, bind: "unix:${greet()}"${more} }`

/** Whom the application sees as its caller; @throws where it is not reached */
function callerSeen(): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      // A connection that is kept open would still answer when the socket is gone.
      { socketPath: pay(), path: '/', headers: { host: 'payments' }, timeout: 10_000, agent: false },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        answer.on('end', () => {
          if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}: ${text}`))
          else resolve((JSON.parse(text) as { headers: Record<string, string> }).headers['x-mesh-client'] ?? '')
        })
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s'))).on('error', reject)
    outgoing.end()
  })
}

/** What the greeter says, at a socket or a port; empty where it is not reached. */
function greeting(at: string | { readonly address: string; readonly port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof at === 'string' ? connect(at) : connect(at.port, at.address)
    let text = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error('nothing came within 10 s')))
    socket.on('data', (part) => {
      text += part.toString('latin1')
      if (text.length >= GREETING.length) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)))
    socket.on('close', () => resolve(text))
  })
}

const carries = () =>
  until('the sockets to answer', async () => {
    assert.equal(await callerSeen(), 'spiffe://lab.example/svc/batch')
    assert.equal(await greeting(greet()), GREETING)
    return true
  })

const absent = (path: string) =>
  stat(path).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT',
  )

const connectsAsNobody = async () =>
  (await tryAs('nobody', { files: [], sockets: [pay()], ports: [] })).sockets.length === 1

test('requests and connections through a Unix socket carry the identity of the service that declares it', async () => {
  await declare(toPayments(), toGreeter())
  await carries()
  assert.equal(await greeting(await targetOn(CALLER, 'greeter', TCP_PORT)), '')
  const { text } = await get(await targetOn(CALLER, 'payments', HTTP_PORT))
  assert.equal(JSON.parse(text).headers['x-mesh-client'], 'spiffe://lab.example/svc/web')
  assert.equal((await stat(pay())).mode & 0o777, 0o660)
})

test('the directory keeps other users out, even of a socket that everybody may use', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can be another user')
  await declare(toPayments(', mode: "0666"'), toGreeter())
  await until('the socket to be open to all', async () => ((await stat(pay())).mode & 0o777) === 0o666)
  assert.equal((await stat(sockets)).mode & 0o777, 0o750)
  assert.equal(await connectsAsNobody(), false)
  await chmod(sockets, 0o755)
  assert.equal(await connectsAsNobody(), true, 'it is not the directory that keeps it out')
  await chmod(sockets, 0o750)
})

test('the group that the file names may use the socket', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can give a directory to any group')
  await declare(toPayments(', group: nogroup'), toGreeter(', group: nogroup'))
  await until('the socket to be for its group', async () => ((await stat(pay())).mode & 0o777) === 0o660)
  await until('the group to be let in', connectsAsNobody)
  assert.equal((await stat(sockets)).mode & 0o777, 0o750)
  await carries()
})

test('a group that the host does not have is told, and the socket stays closed to others', async () => {
  await declare(toPayments(', group: nosuchgroup'), toGreeter(', group: nosuchgroup'))
  await until('it to be told', async () => {
    const lines = await lab.logOf(CALLER.name)
    return lines.some(({ problem }) => /there is no group nosuchgroup on this host.*MSH0254/.test(String(problem)))
  })
  await carries()
  if (process.getuid?.() === 0) assert.equal(await connectsAsNobody(), false)
})

test('the sockets work again after the agent is started again, also where their directory is gone', async () => {
  await lab.process(CALLER.name).end('SIGTERM')
  await rm(dirname(sockets), { recursive: true })
  lab.startAgent(CALLER)
  await carries()
  await lab.process(CALLER.name).end('SIGKILL')
  lab.startAgent(CALLER)
  await carries()
  await lab.settled()
})

test('the sockets of an Envoy that outlived its agent stay, also where the disk of the agent does not know them', async () => {
  await until('the disk to know them', onDisk)
  await lab.process(CALLER.name).end('SIGKILL')
  await forgetCached(lab.files.host(CALLER.name), 'upstream/batch/')
  lab.startAgent(CALLER)
  await lab.settled()
  await carries()
})

/** Whether the sockets of the service batch are among what the agent has on disk. */
async function onDisk(): Promise<boolean> {
  const text = await readCached(lab.files.host(CALLER.name))
  return [pay(), greet()].every((path) => text.includes(`upstream/batch/unix:${path}`))
}

test('a socket goes with its upstream, and comes again with it', async () => {
  await declare(toGreeter())
  await until('the socket to be gone', () => absent(pay()))
  assert.equal(await greeting(greet()), GREETING)
  await declare(toPayments(), toGreeter())
  await carries()
})

test('a stale socket is removed when the agent starts, and one at a path that is used again is replaced', async () => {
  await lab.process(CALLER.name).end('SIGTERM')
  await declare(toGreeter())
  assert.equal(await absent(pay()), false)
  lab.startAgent(CALLER)
  await until('the socket to be gone', () => absent(pay()))
  await until('the other to answer', async () => (await greeting(greet())) === GREETING)
})
