import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type Client, type MethodDefinition, status } from '@grpc/grpc-js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { METHOD_PATHS } from '../../controlplane/api/authorization.js'
import { connectAs, foreignAuthority, forge, joinHost, requestCertificate } from './callers.js'
import { startControlPlane, type TestControlPlane } from './control-plane.js'
import { TRUST_DOMAIN } from './watched-log.js'

const IDENTITY = '/mesh.v1.Identity'
const AGENTS = '/mesh.v1.Agents'
const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService'

/** Who gets past the gate, written down a second time: everybody else is refused. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  [`${IDENTITY}/Enrol`]: ['no client certificate', 'a host'],
  [`${IDENTITY}/Issue`]: ['a host'],
  [`${IDENTITY}/Recover`]: ['no client certificate'],
  [`${AGENTS}/Session`]: ['a host'],
  [`${ADS}/DeltaAggregatedResources`]: ['a host'],
  [`${ADS}/StreamAggregatedResources`]: ['a host'],
}

/** Callers whose connection is let in: what they may not call is refused by the gate, with its own text. */
const CONNECTED: Readonly<Record<string, string>> = {
  'no client certificate': 'anonymous',
  'a host': 'host',
  "a service's certificate": 'service',
  "another control plane's certificate": 'control-plane',
}

/** Callers who are refused already as they connect, with the reason in the log. */
const NOT_CONNECTED: Readonly<Record<string, RegExp>> = {
  'a banned host': /^host banned-1 is banned$/,
  'an evicted host': /^the certificate is none of host evicted-1/,
  'an expired certificate of a host': /CERT_HAS_EXPIRED/,
  'a certificate for a host that the mesh did not issue': /^the certificate is none of host web-1/,
  'a host of a foreign CA': /^certificate not accepted/,
  'a control plane of a foreign CA and trust domain': /^certificate not accepted/,
  'a control plane of a foreign trust domain signed by our CA':
    /foreign trust domain|PERMITTED|certificate not accepted/,
  'a certificate of our CA without a name of the mesh': /^certificate without exactly one SPIFFE ID/,
}

/** Of those, the hosts of the mesh that are told the reason; the others get no answer. */
const DISMISSED = ['a banned host', 'an evicted host', 'a certificate for a host that the mesh did not issue']

suite('every cell of the authorization table', { concurrency: false }, () => {
  test('every method has its expectations, and no expectation is without its method', () => {
    assert.deepEqual([...METHOD_PATHS].sort(), Object.keys(ALLOWED).sort())
  })

  test('each caller gets past the gate of exactly the methods that are his', async (t) => {
    const controlPlane = await startControlPlane(t)
    const callers = await makeCallers(t, controlPlane)
    assert.deepEqual([...callers.keys()].sort(), [...Object.keys(CONNECTED), ...Object.keys(NOT_CONNECTED)].sort())
    for (const [caller, credentials] of callers) {
      for (const path of METHOD_PATHS) {
        await t.test(`${caller} calls ${path}`, () => checkCell(t, controlPlane, { caller, credentials, path }))
      }
    }
  })

  test('who is no host gets neither a session nor resources', async (t) => {
    const controlPlane = await startControlPlane(t)
    const credentials = forge(controlPlane.authority, { kind: 'service', trustDomain: TRUST_DOMAIN, name: 'web' })
    for (const path of [`${AGENTS}/Session`, `${ADS}/DeltaAggregatedResources`, `${ADS}/StreamAggregatedResources`]) {
      const { code } = await probe(connectAs(t, controlPlane, credentials), path)
      assert.equal(code, status.PERMISSION_DENIED, path)
    }
  })

  test('a method that is not served is there for nobody', async (t) => {
    const controlPlane = await startControlPlane(t)
    const host = await joinHost(t, controlPlane, 'web-1')
    for (const path of [`${IDENTITY}/Unknown`, '/grpc.health.v1.Health/Check', `${IDENTITY}/enrol`]) {
      assert.equal((await probe(connectAs(t, controlPlane, host), path)).code, status.UNIMPLEMENTED)
      assert.equal((await probe(connectAs(t, controlPlane, undefined), path)).code, status.UNIMPLEMENTED)
    }
  })
})

interface Cell {
  readonly caller: string
  readonly credentials: HostCredentials | undefined
  readonly path: string
}

async function checkCell(t: TestContext, controlPlane: TestControlPlane, { caller, credentials, path }: Cell) {
  const before = controlPlane.lines.length
  const { code, details } = await probe(connectAs(t, controlPlane, credentials), path)
  const answer = `${status[code]}: ${details}`
  const refusals = controlPlane.lines.slice(before).filter(({ message }) => message.endsWith(' refused'))
  const reason = NOT_CONNECTED[caller]
  if (reason !== undefined) {
    assert.equal(code, DISMISSED.includes(caller) ? status.PERMISSION_DENIED : status.UNAVAILABLE, answer)
    if (DISMISSED.includes(caller)) assert.match(details, reason)
    // Clients of cells before may still be trying to connect, so other reasons can be among these.
    assert.ok(refusals.some(({ fields }) => reason.test(String(fields['reason']))))
  } else if (ALLOWED[path]?.includes(caller) === true) {
    assert.ok(![status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.UNAVAILABLE].includes(code), answer)
    assert.ok(code !== status.DEADLINE_EXCEEDED && !refusals.some(({ message }) => message === 'call refused'), answer)
  } else {
    const kind = CONNECTED[caller]
    assert.equal(code, kind === 'anonymous' ? status.UNAUTHENTICATED : status.PERMISSION_DENIED, answer)
    assert.equal(details, `${kind} may not call ${path}`)
  }
}

async function makeCallers(t: TestContext, controlPlane: TestControlPlane) {
  const { authority } = controlPlane
  const join = (host: string, services: readonly string[] = []) => joinHost(t, controlPlane, host, services)
  const host = await join('web-1', ['web'])
  const banned = await join('banned-1')
  await controlPlane.ask('POST', '/v1/hosts/banned-1/ban', {})
  const evicted = await join('evicted-1')
  await controlPlane.ask('POST', '/v1/hosts/evicted-1/evict')
  const foreign = await foreignAuthority(t)
  const elsewhere = await foreignAuthority(t, 'other.example')
  const web1 = { kind: 'host', trustDomain: TRUST_DOMAIN, name: 'web-1' } as const
  const cp2 = { kind: 'control-plane', trustDomain: TRUST_DOMAIN, name: 'cp-2' } as const
  const alien = { kind: 'control-plane', trustDomain: 'other.example', name: 'cp-1' } as const
  const past = { now: Date.now() - 60_000, ttl: 10_000 }
  return new Map<string, HostCredentials | undefined>([
    ['no client certificate', undefined],
    ['a host', host],
    ["a service's certificate", await serviceCredentials(connectAs(t, controlPlane, host))],
    ["another control plane's certificate", forge(authority, cp2)],
    ['a banned host', banned],
    ['an evicted host', evicted],
    ['an expired certificate of a host', forge(authority, web1, past)],
    ['a certificate for a host that the mesh did not issue', forge(authority, web1)],
    ['a host of a foreign CA', forge(foreign, web1)],
    ['a control plane of a foreign CA and trust domain', forge(elsewhere, alien)],
    ['a control plane of a foreign trust domain signed by our CA', forge(authority, alien)],
    ['a certificate of our CA without a name of the mesh', forge(authority, { ...web1, name: 'WEB_1' })],
  ])
}

async function serviceCredentials(client: Client): Promise<HostCredentials> {
  const { keyPem, result } = await requestCertificate(client, 'web')
  if (result.case !== 'certificate') throw new Error(`no certificate: ${result.value}`)
  return { keyPem, chainPem: result.value.chainPem }
}

/** Sends an empty message to a method and ends the stream: whoever gets past the gate hears of the handler. */
function probe(client: Client, path: string): Promise<{ readonly code: status; readonly details: string }> {
  const { requestSerialize, responseDeserialize } = rawMethod(path)
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, {
    deadline: Date.now() + 5_000,
  })
  return new Promise((resolve) => {
    call.on('data', () => undefined)
    call.on('error', () => undefined)
    call.on('status', ({ code, details }) => {
      client.close()
      resolve({ code, details })
    })
    call.write(Buffer.alloc(0))
    call.end()
  })
}

function rawMethod(path: string): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}
