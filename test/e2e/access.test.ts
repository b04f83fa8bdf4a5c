import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { type Application, answerWithRequest, startHttp, startTcp } from './application.js'
import { type Answer, closeConnections, get, type Target, targetOn } from './client.js'
import { GREETER, HTTP_PORT, type LabHost, PAY_1, STRANGER, TCP_PORT, WEB } from './hosts.js'
import { MeshLab } from './lab.js'
import { until } from './until.js'

const GREETING = '220 greeter ready\r\n'

const RULES = `kind: authorization
service: payments
deny:
  - name: no-admin
    to: { paths: [{ prefix: /admin }] }
allow:
  - from: { services: [web, batch] }
---
kind: authorization
service: greeter
allow:
  - from: { services: [web] }
`

/** Where the applications of the host find payments under the identity of the service batch. */
const BATCH_UPSTREAM: Target = { address: WEB.address, port: 9191 }

const CALLER: LabHost = {
  ...WEB,
  as: 'web',
  services: [
    ...WEB.services,
    {
      service: 'batch',
      port: 8081,
      more: `upstreams: [{ service: payments, bind: "${BATCH_UPSTREAM.address}:${BATCH_UPSTREAM.port}" }]`,
    },
  ],
}

let lab: MeshLab
let allowed: Target
let denied: Target
let payments: Application
const others: Application[] = []
const seen: string[] = []

before(async () => {
  await startPayments()
  for (const [address, port] of [
    [WEB.address, 8080],
    [WEB.address, 8081],
    [STRANGER.address, 8080],
  ] as const) {
    others.push(await startHttp(address, port, (_, response) => response.end()))
  }
  others.push(await startTcp(GREETER.address, TCP_PORT, (socket) => socket.write(GREETING)))
  lab = await MeshLab.start({ hosts: [CALLER, PAY_1, STRANGER, GREETER], documents: { 'rules.yaml': RULES } })
  allowed = await targetOn(WEB, 'payments', HTTP_PORT)
  denied = await targetOn(STRANGER, 'payments', HTTP_PORT)
})

after(async () => {
  closeConnections()
  await lab?.end()
  for (const application of [payments, ...others]) await application?.end()
})

beforeEach(() => {
  seen.length = 0
})

async function startPayments(): Promise<void> {
  payments = await startHttp(PAY_1.address, HTTP_PORT, (request, response) => {
    seen.push(request.url ?? '')
    if (request.url?.startsWith('/forge')) response.writeHead(503, { 'x-mesh-undelivered': '1' })
    response.end(answerWithRequest(request))
  })
}

function headersSeen({ text }: Answer): Readonly<Record<string, string>> {
  return (JSON.parse(text) as { headers: Record<string, string> }).headers
}

/** All that a server sends on a connection, until its greeting is complete or it hangs up. */
function firstBytes({ address, port }: Target): Promise<{ readonly text: string; readonly closed: boolean }> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, address)
    socket.setTimeout(10_000, () => socket.destroy(new Error('neither bytes nor an end within 10 s')))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.length < GREETING.length) return
      socket.destroy()
      resolve({ text, closed: false })
    })
    socket.on('end', () => resolve({ text, closed: true }))
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ECONNRESET') resolve({ text, closed: true })
      else reject(error)
    })
  })
}

test('a caller that is allowed gets the greeting of a server that speaks first', async () => {
  const { text } = await firstBytes(await targetOn(WEB, 'greeter', TCP_PORT))
  assert.equal(text, GREETING)
})

test('a caller that is denied gets not one byte of a server that speaks first', async () => {
  const target = await targetOn(STRANGER, 'greeter', TCP_PORT)
  for (let times = 0; times < 10; times++) assert.deepEqual(await firstBytes(target), { text: '', closed: true })
})

test('a caller that no rule allows gets 403, and the application sees nothing of it', async () => {
  assert.equal((await get(denied, '/charge')).status, 403)
  assert.equal((await get(denied, '/charge', { 'x-mesh-client': 'spiffe://lab.example/svc/web' })).status, 403)
  assert.deepEqual(seen, [])
})

for (const path of [
  '/admin',
  '/admin/keys?all',
  '//admin',
  '/./admin',
  '/x/../admin',
  '/x/%2e%2e/admin',
  '/%61dmin',
  '/%61%64%6d%69%6e',
  '/x/..%2fadmin',
  '/x/..%2Fadmin',
  '/x%2f..%2fadmin',
  '/x/..%5cadmin',
  '/x/..\\admin',
  '/%2fadmin',
  'http://payments.mesh/admin',
  'http://payments.mesh//admin',
]) {
  test(`nothing of a request for ${path} reaches an application whose /admin is denied`, async () => {
    const { status } = await get(allowed, path)
    assert.deepEqual(seen, [])
    assert.ok(status === 403 || status === 400, `status ${status}`)
  })
}

test('other paths of the same application are served', async () => {
  for (const path of ['/', '/x/admin', '/administer/../charge']) {
    assert.equal((await get(allowed, path)).status, 200)
  }
  assert.equal(seen.length, 3)
})

test('who the caller is cannot be forged', async () => {
  const forged = 'spiffe://lab.example/svc/ceo'
  const answer = await get(allowed, '/', {
    'x-mesh-client': forged,
    'x-forwarded-client-cert': `URI=${forged}`,
    'x-mesh-undelivered': '1',
  })
  const headers = headersSeen(answer)
  assert.equal(headers['x-mesh-client'], 'spiffe://lab.example/svc/web')
  assert.match(headers['x-forwarded-client-cert'] ?? '', /URI=spiffe:\/\/lab\.example\/svc\/web$/)
  assert.equal(headers['x-mesh-undelivered'], undefined)
  assert.doesNotMatch(answer.text, /ceo/)
})

test('a declared upstream carries the identity of the service that declares it', async () => {
  const answer = await get(BATCH_UPSTREAM)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(headersSeen(answer)['x-mesh-client'], 'spiffe://lab.example/svc/batch')
})

test('an application that forges x-mesh-undelivered is asked once, and its caller does not see the header', async () => {
  const answer = await get(allowed, '/forge')
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['x-mesh-undelivered'], undefined)
  assert.deepEqual(seen, ['/forge'])
})

test('x-mesh-undelivered is not visible to a caller whose request could not be delivered', async () => {
  await payments.end()
  const answers: Answer[] = []
  try {
    await until('the mesh to notice', async () => {
      answers.push(await get(allowed), await get(BATCH_UPSTREAM))
      return (await lab.ask<{ services: { healthy: number } }>('/v1/status')).services.healthy === 4
    })
  } finally {
    await startPayments()
  }
  // The first two were sent before a second probe could fail, so while the mesh did not know.
  assert.ok(answers.length >= 2)
  for (const { status, headers } of answers) {
    assert.equal(status, 503)
    assert.equal(headers['x-mesh-undelivered'], undefined)
  }
})
