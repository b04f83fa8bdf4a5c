import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type ServiceError, status } from '@grpc/grpc-js'
import { openSession } from '../../agent/control-plane/calls.js'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import type { HostView, ServiceView, StatusView } from '../../common/admin-api.js'
import { type AgentMessage, AgentMessageSchema, type Welcome } from '../../common/proto/mesh/v1/mesh_pb.js'
import { connectAs, joinHost } from './callers.js'
import { eventually, startControlPlane, type TestControlPlane, within } from './control-plane.js'
import { envoyReport, hostReport, leaving, reportOf, servicesReport } from './reports.js'

suite('sessions', () => {
  test('the newest session of a host wins and the older one is ended', async (t) => {
    const controlPlane = await startControlPlane(t)
    const credentials = await joinHost(t, controlPlane, 'web-1', ['web'])
    const older = beginSession(t, controlPlane, credentials)
    older.send(hostReport({ port: 1001 }), servicesReport('web'))
    await seen(controlPlane, ({ address }) => assert.equal(address, '127.0.0.1:1001'))
    const newer = beginSession(t, controlPlane, credentials)
    newer.send(hostReport({ port: 1002 }), servicesReport('web'))
    const { code, details } = await within(5_000, older.failed)
    assert.deepEqual({ code, details }, { code: status.ABORTED, details: 'a newer session of this host began' })
    const host = await seen(controlPlane, ({ address }) => assert.equal(address, '127.0.0.1:1002'))
    assert.equal(host.status, 'live')
  })

  test('a second agent with the same identity is refused once it is known as one, and operators see it', async (t) => {
    const controlPlane = await startControlPlane(t)
    const credentials = await joinHost(t, controlPlane, 'web-1', ['web'])
    const begin = (sessionId: string, port: number) => {
      const session = beginSession(t, controlPlane, credentials)
      session.send(hostReport({ sessionId, port }), servicesReport('web'))
      return session
    }
    const original = begin('original', 1001)
    await seen(controlPlane, ({ address }) => assert.equal(address, '127.0.0.1:1001'))
    begin('copy', 1002)
    await within(5_000, original.failed)
    await seen(controlPlane, ({ address, notes }) => {
      assert.equal(address, '127.0.0.1:1002')
      assert.deepEqual(notes, [])
    })
    const again = begin('original', 1001)
    const { code, details } = await within(5_000, again.failed)
    assert.deepEqual([code, again.welcome()], [status.ABORTED, undefined])
    assert.match(details, /another agent that started later runs with the identity of this host/)
    const host = await seen(controlPlane, ({ notes }) => assert.match(notes.join(), /a second agent has its identity/))
    assert.deepEqual([host.address, host.status], ['127.0.0.1:1002', 'live'])
    const { problems } = await controlPlane.ask<StatusView>('GET', '/v1/status')
    assert.deepEqual(
      problems.map(({ code, severity, place }) => [code, severity, place]),
      [['MSH0407', 'error', 'web-1']],
    )
    assert.ok(controlPlane.lines.some(({ level, message }) => level === 'error' && message.includes('cloned disk')))
  })

  test('the end of an older session does not make the host lost', async (t) => {
    const controlPlane = await startControlPlane(t)
    const credentials = await joinHost(t, controlPlane, 'web-1', ['web'])
    const older = beginSession(t, controlPlane, credentials)
    older.send(hostReport(), servicesReport('web'))
    await seen(controlPlane, (host) => assert.equal(host.status, 'live'))
    const newer = beginSession(t, controlPlane, credentials)
    newer.send(hostReport(), servicesReport('web'))
    await within(5_000, older.failed)
    older.close()
    newer.send(hostReport({ port: 1003 }))
    const host = await seen(controlPlane, ({ address }) => assert.equal(address, '127.0.0.1:1003'))
    assert.equal(host.status, 'live')
  })

  const JUNK: Readonly<Record<string, AgentMessage>> = {
    'a host without a port': hostReport({ port: 0 }),
    'a port that does not exist': hostReport({ inboundPort: 65_536 }),
    'a label longer than any label': hostReport({ labels: { zone: 'x'.repeat(1025) } }),
    'a service without a name': servicesReport(''),
    'a service with an unknown protocol': reportOf({ ports: [{ name: 'http', port: 80, protocol: 'smtp' }] }),
    'a service without ports': reportOf({ ports: [] }),
    'a service that is too heavy': reportOf({ weight: 10_001 }),
    'an upstream without an address': reportOf({ upstreams: [{ service: 'pay', bind: 'nowhere' }] }),
  }

  for (const [name, message] of Object.entries(JUNK)) {
    test(`${name} is refused as INVALID_ARGUMENT`, (t) => checkRefused(t, message))
  }

  const NOT_REFUSED_YET: typeof JUNK = {
    'more ports than an Envoy can hold': reportOf(
      ...Array.from({ length: 21 }, (_, at) => ({ service: `web-${at}`, ports: portsOf(100) })),
    ),
    'more upstreams than an Envoy can hold': reportOf(
      ...Array.from({ length: 3 }, (_, at) => ({ service: `web-${at}`, upstreams: upstreamsOf(700) })),
    ),
    'the same service twice': servicesReport('web', 'web'),
    'a service whose name is no label': servicesReport('web/../pay'),
    'an Envoy whose certificate ends after all time': envoyReport({ certificateExpiryUnixMs: 9n * 10n ** 18n }),
  }

  for (const [name, message] of Object.entries(NOT_REFUSED_YET)) {
    test(`${name} is refused as INVALID_ARGUMENT`, (t) => checkRefused(t, message))
  }

  test('a message of a kind that is not known is ignored', async (t) => {
    const controlPlane = await startControlPlane(t)
    const session = beginSession(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
    session.send(create(AgentMessageSchema, {}), hostReport(), servicesReport('web'))
    await seen(controlPlane, (host) => assert.equal(host.status, 'live'))
  })

  test('what a host reports is in the list of hosts', async (t) => {
    const controlPlane = await startControlPlane(t)
    const session = beginSession(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
    assert.equal((await hostOf(controlPlane))?.status, 'enrolled')
    session.send(hostReport({ port: 1004 }), servicesReport('web'), envoyReport())
    const host = await seen(controlPlane, ({ envoy }) => assert.ok(envoy))
    assert.deepEqual(
      { status: host.status, address: host.address, services: host.services, envoy: host.envoy },
      {
        status: 'live',
        address: '127.0.0.1:1004',
        services: ['web'],
        envoy: { state: 'ready', version: '1.36.0', restarts: 2 },
      },
    )
    await seenService(controlPlane, 'web', 1)
    session.close()
    await seen(controlPlane, ({ status }) => assert.equal(status, 'lost'))
  })

  test('a host is told which of its services it may run', async (t) => {
    const controlPlane = await startControlPlane(t)
    const session = beginSession(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
    session.send(hostReport(), servicesReport('web', 'pay'))
    await eventually(async () => {
      assert.deepEqual(session.welcome()?.allowedServices, ['web'])
      assert.deepEqual(Object.keys(session.welcome()?.refusedServices ?? {}), ['pay'])
    })
  })

  test('a host that leaves takes its instances away at once', async (t) => {
    const controlPlane = await startControlPlane(t)
    const session = beginSession(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
    session.send(hostReport(), servicesReport('web'))
    await seenService(controlPlane, 'web', 1)
    session.send(leaving())
    await within(5_000, seenService(controlPlane, 'web', 0))
    const host = await seen(controlPlane, ({ status }) => assert.equal(status, 'left'))
    assert.deepEqual(host.services, ['web'])
    assert.ok(Date.now() - Date.parse(host.since ?? '') < 60_000, host.since)
    assert.deepEqual(host.notes, ['its agent was stopped in order; its instances went with it'])
    await controlPlane.ask('POST', '/v1/hosts/web-1/evict')
    assert.deepEqual(await controlPlane.ask('GET', '/v1/hosts'), [])
  })

  test('a host that left stays so over a restart, gets no requests, and is live when it comes back', async (t) => {
    const { first, credentials, session } = await keptHost(t)
    session.send(leaving())
    const left = await seen(first, ({ status }) => assert.equal(status, 'left'))
    await first.stop()
    const second = await startControlPlane(t, { directory: first.directory })
    assert.deepEqual(await hostOf(second), left)
    await seenService(second, 'web', 0)
    beginSession(t, second, credentials).send(hostReport(), servicesReport('web'))
    await seen(second, ({ status }) => assert.equal(status, 'live'))
    await seenService(second, 'web', 1)
  })

  test('a restarted control plane serves the hosts that it knew as unconfirmed until they report', async (t) => {
    const { first, credentials } = await keptHost(t)
    await first.stop()
    const second = await startControlPlane(t, { directory: first.directory })
    assert.equal((await hostOf(second))?.status, 'unconfirmed')
    await seenService(second, 'web', 1)
    beginSession(t, second, credentials).send(hostReport(), servicesReport('web'))
    await seen(second, ({ status }) => assert.equal(status, 'live'))
  })

  test('a restarted control plane does not bring back the instances of a host that it had given up', async (t) => {
    const discovery = { lostGrace: '1s', returnGrace: '1s' }
    const first = await startControlPlane(t, { discovery })
    const [stays, goes] = [await joinHost(t, first, 'web-1', ['web']), await joinHost(t, first, 'web-2', ['web'])]
    beginSession(t, first, stays).send(hostReport({ port: 1001 }), servicesReport('web'))
    const session = beginSession(t, first, goes)
    session.send(hostReport({ port: 1002 }), servicesReport('web'))
    await seenService(first, 'web', 2)
    session.close()
    await seenService(first, 'web', 1)
    await eventually(async () =>
      assert.match(await readFile(join(first.directory, 'agents.json'), 'utf8'), /lostSince/),
    )
    await first.stop()
    const second = await startControlPlane(t, {
      directory: first.directory,
      discovery: { ...discovery, returnGrace: '1h' },
    })
    const hosts = await second.ask<readonly HostView[]>('GET', '/v1/hosts')
    assert.deepEqual(
      hosts.map(({ status }) => status),
      ['unconfirmed', 'lost'],
    )
    await seenService(second, 'web', 1)
    beginSession(t, second, goes).send(hostReport({ port: 1002 }), servicesReport('web'))
    await seenService(second, 'web', 2)
  })

  test('a control plane that stops at once keeps what hosts said last', async (t) => {
    const first = await startControlPlane(t)
    const session = beginSession(t, first, await joinHost(t, first, 'web-1', ['web', 'pay']))
    session.send(hostReport(), servicesReport('web'))
    await seenService(first, 'web', 1)
    session.send(servicesReport('web', 'pay'))
    await seenService(first, 'pay', 1)
    await first.stop()
    const second = await startControlPlane(t, { directory: first.directory })
    assert.deepEqual((await hostOf(second))?.services, ['web', 'pay'])
  })
})

function portsOf(count: number) {
  return Array.from({ length: count }, (_, at) => ({ name: `p${at}`, port: 1000 + at, protocol: 'http' }))
}

function upstreamsOf(count: number) {
  return Array.from({ length: count }, (_, at) => ({ service: 'pay', bind: `127.0.0.1:${1000 + at}` }))
}

async function checkRefused(t: TestContext, message: AgentMessage): Promise<void> {
  const controlPlane = await startControlPlane(t)
  const session = beginSession(t, controlPlane, await joinHost(t, controlPlane, 'web-1', ['web']))
  session.send(hostReport(), servicesReport('web'), message)
  const { code, details } = await within(5_000, session.failed)
  assert.equal(code, status.INVALID_ARGUMENT, details)
  // Nobody else is harmed: the list of hosts can still be asked for.
  assert.equal((await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')).length, 1)
}

/** One session of an agent, as a test drives it. */
interface TestSession {
  send(...messages: readonly AgentMessage[]): void
  welcome(): Welcome | undefined
  /** The error with which the control plane ends it. */
  readonly failed: Promise<ServiceError>
  close(): void
}

function beginSession(t: TestContext, controlPlane: TestControlPlane, credentials: HostCredentials): TestSession {
  const client = connectAs(t, controlPlane, credentials)
  const stream = openSession(client)
  let welcome: Welcome | undefined
  stream.on('data', ({ message }) => {
    if (message.case === 'welcome') welcome = message.value
  })
  return {
    send(...messages) {
      for (const message of messages) stream.write(message)
    },
    welcome: () => welcome,
    failed: new Promise((resolve) => stream.on('error', resolve)),
    close: () => stream.cancel(),
  }
}

async function hostOf(controlPlane: TestControlPlane): Promise<HostView | undefined> {
  const [host] = await controlPlane.ask<readonly HostView[]>('GET', '/v1/hosts')
  return host
}

/** Waits until the only host looks as it should. */
function seen(controlPlane: TestControlPlane, check: (host: HostView) => void): Promise<HostView> {
  return eventually(async () => {
    const host = await hostOf(controlPlane)
    assert.ok(host)
    check(host)
    return host
  })
}

function seenService(controlPlane: TestControlPlane, name: string, instances: number): Promise<void> {
  return eventually(async () => {
    const services = await controlPlane.ask<readonly ServiceView[]>('GET', '/v1/services')
    assert.equal(services.find(({ service }) => service === name)?.instances.length ?? 0, instances)
  })
}

/** A control plane that has on its disk what web-1 has told it. */
async function keptHost(t: TestContext) {
  const first = await startControlPlane(t)
  const credentials = await joinHost(t, first, 'web-1', ['web'])
  const session = beginSession(t, first, credentials)
  session.send(hostReport(), servicesReport('web'))
  await seenService(first, 'web', 1)
  await eventually(async () => assert.match(await readFile(join(first.directory, 'agents.json'), 'utf8'), /web-1/))
  return { first, credentials, session }
}
