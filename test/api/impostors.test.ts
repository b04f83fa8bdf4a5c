import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import type { HostCredentials } from '../../agent/control-plane/channel.js'
import { Link } from '../../agent/control-plane/link.js'
import { Links } from '../../agent/control-plane/links.js'
import type { Reports } from '../../agent/control-plane/session.js'
import { buildRecovery } from '../../agent/identity/recovery.js'
import { Latest } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import {
  EnvoyReportSchema,
  HostReportSchema,
  ProblemsReportSchema,
  ServicesReportSchema,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { buildCsr } from '../../common/x509/csr.js'
import { generateKeyPair } from '../../common/x509/keys.js'
import { initAuthority } from '../../controlplane/ca/authority.js'
import { atEnd } from '../lab/at-end.js'
import { foreignAuthority, forge } from './callers.js'
import { eventually, temporaryDirectory, within } from './control-plane.js'
import { type RecordingServer, recordEverything } from './recording-server.js'
import { TRUST_DOMAIN } from './watched-log.js'

const CP = { kind: 'control-plane', trustDomain: TRUST_DOMAIN, name: 'cp-1' } as const
const WEB_1 = { kind: 'host', trustDomain: TRUST_DOMAIN, name: 'web-1' } as const

suite('an agent that has joined', { concurrency: true }, () => {
  test('tells nothing to a server that is no control plane of its mesh, neither in a session nor to recover', async (t) => {
    const mesh = await makeMesh(t)
    for (const [name, credentials] of Object.entries(await makeImpostors(t, mesh))) {
      await t.test(`not to ${name}`, async (t) => {
        const { received, connections } = await meet(t, mesh, credentials)
        assert.equal(received, '')
        assert.ok(connections >= 2, `${connections} connections`)
      })
    }
    await t.test('but to a control plane of its mesh, which shows that the recording works', async (t) => {
      const server = await recordEverything(t, forge(mesh.authority, CP))
      await assert.rejects(askToRecover(server, mesh))
      assert.match(await within(5_000, server.received()), /BEGIN CERTIFICATE REQUEST/)
    })
  })
})

interface TestMesh {
  readonly authority: Awaited<ReturnType<typeof initAuthority>>
  readonly host: HostCredentials
}

async function makeMesh(t: TestContext): Promise<TestMesh> {
  const directory = `${await temporaryDirectory(t)}/ca`
  const authority = await initAuthority(directory, { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp-1' })
  return { authority, host: forge(authority, WEB_1) }
}

async function makeImpostors(t: TestContext, { authority }: TestMesh): Promise<Record<string, HostCredentials>> {
  const unsigned = { ...authority, intermediateKey: generateKeyPair().privateKey }
  return {
    'a foreign CA of the same trust domain': forge(await foreignAuthority(t), CP),
    'a leaf that names our intermediate and that another key signed': forge(unsigned, CP),
    'a control plane whose certificate has expired': forge(authority, CP, { now: Date.now() - 60_000, ttl: 10_000 }),
    'a control plane of another trust domain': forge(authority, { ...CP, trustDomain: 'other.example' }),
    'a host of the mesh': forge(authority, { ...CP, kind: 'host' }),
    'a service of the mesh': forge(authority, { ...CP, kind: 'service' }),
  }
}

/** Lets an agent try a session and a recovery at a server. @returns all that the server got */
async function meet(t: TestContext, mesh: TestMesh, credentials: HostCredentials) {
  const server = await recordEverything(t, credentials)
  const stopping = new AbortController()
  atEnd(t, () => stopping.abort())
  const link = new Link({ ...optionsOf(mesh), address: server.address })
  const running = link.run(stopping.signal)
  await eventually(async () => assert.ok(server.connections() > 0))
  await eventually(async () => {
    assert.ok(link.state.revision > 0)
  })
  stopping.abort()
  await running
  await assert.rejects(askToRecover(server, mesh))
  return { received: await within(5_000, server.received()), connections: server.connections() }
}

function askToRecover(server: RecordingServer, mesh: TestMesh) {
  const request = buildRecovery(mesh.host, buildCsr(generateKeyPair()))
  return new Links([server.address], optionsOf(mesh)).recover(request)
}

function optionsOf({ authority, host }: TestMesh) {
  const trust = { trustBundlePem: authority.bundlePem, trustDomain: TRUST_DOMAIN }
  return { credentials: () => ({ host, trust }), reports: makeReports(), answer: unasked, log: silentLog }
}

function unasked(): Promise<never> {
  return Promise.reject(new Error('no question was expected'))
}

function makeReports(): Latest<Reports> {
  return new Latest<Reports>({
    host: create(HostReportSchema, { labels: { text: 'a label of web-1' } }),
    services: create(ServicesReportSchema, {}),
    envoy: create(EnvoyReportSchema, {}),
    problems: create(ProblemsReportSchema, {}),
    leaving: false,
  })
}
