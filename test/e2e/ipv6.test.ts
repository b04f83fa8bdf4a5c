import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type Application, answerWithRequest, startHttp, startTcp } from './application.js'
import { closeConnections, get, readGreeting, targetOn } from './client.js'
import { HTTP_PORT, type LabHost, TCP_PORT, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

const LOOPBACK = '::1'

const GREETING = '220 greeter ready\r\n'

/** Everything of it is at ::1; only the virtual addresses of names are IPv4, as on every host. */
const SIX: LabHost = {
  name: 'six-1',
  address: LOOPBACK,
  range: '127.92.0.0/16',
  as: 'payments',
  services: [
    {
      service: 'payments',
      port: HTTP_PORT,
      check: '{ http: /, interval: 500ms }',
      more: `upstreams: [{ service: web, bind: "[::1]:9191" }]`,
    },
    { service: 'greeter', port: TCP_PORT, protocol: 'tcp' },
  ],
}

let lab: MeshLab
let payments: Application
const others: Application[] = []

const startPayments = async () => {
  payments = await startHttp(LOOPBACK, HTTP_PORT, (request, response) => response.end(answerWithRequest(request)))
}

before(async () => {
  await startPayments()
  others.push(
    await startHttp(WEB.address, 8080, (request, response) => response.end(answerWithRequest(request))),
    await startTcp(LOOPBACK, TCP_PORT, (socket) => socket.write(GREETING)),
  )
  lab = await MeshLab.start({ hosts: [WEB, SIX], address: LOOPBACK })
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of [payments, ...others]) await application?.end()
})

/** Whom the application saw as its caller. */
const callerIn = (text: string) => (JSON.parse(text) as { headers: Record<string, string> }).headers['x-mesh-client']

test('an IPv4 host calls services of an IPv6 host by name, as requests and as bytes', async () => {
  const { status, text } = await get(await targetOn(WEB, 'payments', HTTP_PORT))
  assert.equal(status, 200, text)
  assert.equal(callerIn(text), 'spiffe://lab.example/svc/web')
  await readGreeting(await targetOn(WEB, 'greeter', TCP_PORT), GREETING)
})

test('an IPv6 host calls by name, by a DNS server at its own address, and by an upstream there', async () => {
  const byName = await get(await targetOn(SIX, 'web', 8080))
  assert.equal(callerIn(byName.text), 'spiffe://lab.example/svc/payments')
  const byUpstream = await get({ address: LOOPBACK, port: 9191, host: 'web' })
  assert.equal(callerIn(byUpstream.text), 'spiffe://lab.example/svc/payments')
})

test('it joined by a token that leads to the control plane at an IPv6 address', async () => {
  const token = (await readFile(lab.files.host(SIX.name).token, 'utf8')).trim()
  const parts = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
  assert.ok(
    parts.some((part) => part.includes('[::1]:15012')),
    parts.join('\n'),
  )
})

test('metrics of Envoy and agent are read at an IPv6 address', async () => {
  for (const port of [15_090, 15_091]) {
    const { status, text } = await get({ address: LOOPBACK, port }, '/metrics')
    assert.equal(status, 200)
    assert.match(text, /^# TYPE /m)
  }
})

test('IPv6 addresses are printed in brackets', async () => {
  assert.match(await lab.mesh('hosts', '-o', 'wide'), /\[::1\]:15006/)
  assert.match(await lab.mesh('services', '-o', 'wide'), /\[::1\]:15006/)
  assert.match(await lab.mesh('host', SIX.name, 'listeners'), /\[::1\]:15006/)
  assert.match(JSON.stringify(await lab.ask('/v1/prometheus/targets')), /"\[::1\]:15090"/)
  assert.equal((await lab.hostView(SIX)).sync, 'SYNCED')
})

test('nothing is wrong with a host whose ports are only at an IPv6 address', async () => {
  const problems = await lab.mesh('status')
  assert.doesNotMatch(problems, /MSH/)
})

test('an application at an IPv6 address that stops answering is taken out and comes back', async () => {
  await payments.end()
  await until('calls to fail by the mesh', async () => {
    return (await get(await targetOn(WEB, 'payments', HTTP_PORT))).status === 503
  })
  await startPayments()
  await until('calls to work again', async () => {
    return (await get(await targetOn(WEB, 'payments', HTTP_PORT))).status === 200
  })
})

test('an agent that starts again finds its Envoy and its control plane', async () => {
  await lab.process(SIX.name).end('SIGTERM')
  lab.startAgent(SIX)
  await lab.settled()
  await until('its services to be called again', async () => {
    await readGreeting(await targetOn(WEB, 'greeter', TCP_PORT), GREETING)
    return true
  })
})
