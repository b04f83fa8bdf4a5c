import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { buildBootstrap } from '../../agent/bootstrap.js'
import { createEnvoyAdmin, type EnvoyAdmin } from '../../agent/envoy/admin.js'
import type { HeldKeyPair } from '../../agent/identity/certificates.js'
import { buildSecrets } from '../../agent/identity/secrets.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { type AdsCall, addAdsService } from '../../common/xds/grpc-service.js'
import { EMPTY_PUBLICATION, type Publication } from '../../common/xds/resource.js'
import { XdsServer } from '../../common/xds/server.js'
import { type Authority, initAuthority } from '../../controlplane/ca/authority.js'
import { issueLeaf } from '../../controlplane/ca/issue.js'
import { buildResources } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import { findTestEnvoy, TEST_ENVOYS } from '../lab/envoy.js'
import { type GoldenCase, readCases } from './case.js'

const cases = await readCases()

for (const version of TEST_ENVOYS) {
  test(`Envoy ${version} acknowledges every golden resource and leaves nothing warming`, async (t) => {
    let lab: Lab
    const directory = await mkdtemp(join(tmpdir(), 'golden-'))
    before(() => undefined)
    after(() => rm(directory, { recursive: true, force: true }))
    lab = await Lab.start(directory, version)
    try {
      for (const one of cases) await t.test(one.name.replaceAll('-', ' '), () => lab.acknowledges(one))
    } finally {
      await lab.stop()
    }
  })
}

/** One long-lived Envoy with an ADS server, to which one case after the other is served. */
class Lab {
  readonly #publication = new Latest<Publication>(EMPTY_PUBLICATION)
  readonly #xds = new XdsServer<AdsCall>(this.#publication, { identify: () => 'envoy', log: silentLog })
  readonly #server = new Server()
  readonly #authority: Authority
  readonly #admin: EnvoyAdmin
  readonly #envoy: ChildProcess

  private constructor(authority: Authority, admin: EnvoyAdmin, envoy: ChildProcess, server: (lab: Lab) => void) {
    this.#authority = authority
    this.#admin = admin
    this.#envoy = envoy
    server(this)
  }

  static async start(directory: string, version: string): Promise<Lab> {
    const authority = await initAuthority(join(directory, 'ca'), {
      trustDomain: 'golden.example',
      controlPlaneId: 'cp',
    })
    const adminSocket = join(directory, 'admin.sock')
    const xdsSocket = join(directory, 'xds.sock')
    const bootstrap = join(directory, 'envoy.json')
    const node = { host: 'golden', locality: {}, metadata: {}, xdsSocket, adminSocket, metrics: undefined }
    await writeFile(bootstrap, buildBootstrap(node))
    const path = await findTestEnvoy(version)
    const options = ['-c', bootstrap, '--reject-unknown-dynamic-fields', '--disable-hot-restart', '--concurrency', '1']
    const envoy = spawn(path, [...options, '--log-level', 'error'], { stdio: ['ignore', 'ignore', 'inherit'] })
    const lab = new Lab(authority, createEnvoyAdmin(adminSocket), envoy, () => undefined)
    addAdsService(lab.#server, lab.#xds)
    await new Promise<void>((resolve, reject) => {
      lab.#server.bindAsync(`unix:${xdsSocket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      )
    })
    return lab
  }

  /** Serves a case as its first host sees it, and waits until Envoy has everything. */
  async acknowledges({ mesh, services }: GoldenCase): Promise<void> {
    const signal = AbortSignal.timeout(20_000)
    const built = buildResources(mesh, { trustBundlePem: this.#authority.bundlePem }, new ResourceMemo())
    const [host] = mesh.hosts.keys()
    const secrets = buildSecrets(this.#credentials(services), undefined)
    const layers = new Map([...built.layers, ['secrets', secrets]])
    const clients = new Map([['envoy', ['secrets', ...(built.clients.get(host ?? '') ?? [])]]])
    this.#publication.set({ layers, clients })
    await waitFor(this.#xds.activity, () => this.#settled(), signal)
    const refused = this.#xds.statuses().flatMap((stream) => stream.refused)
    assert.deepEqual(
      refused.map(({ name, error }) => `${name}: ${error}`),
      [],
    )
    const dump = JSON.stringify(await this.#admin.configDump(signal))
    assert.doesNotMatch(dump, /"(?:warming_state|dynamic_warming_clusters|dynamic_warming_secrets)"/)
  }

  async stop(): Promise<void> {
    this.#envoy.kill('SIGKILL')
    await once(this.#envoy, 'close')
    this.#xds.close()
    this.#server.forceShutdown()
  }

  /** Every stream has answered everything, and Envoy asked for endpoints and routes too. */
  #settled(): boolean {
    const streams = this.#xds.statuses()
    return streams.length > 0 && streams.every(({ acknowledged, refused }) => acknowledged || refused.length > 0)
  }

  #credentials(services: readonly string[]) {
    const pair = (kind: 'host' | 'service', name: string): HeldKeyPair => {
      const keys = generateKeyPair()
      const identity = { kind, trustDomain: 'golden.example', name } as const
      const { chainPem, notAfter } = issueLeaf(this.#authority, { csrPem: buildCsr(keys), identity }, silentLog)
      return { keyPem: exportPrivateKey(keys.privateKey), chainPem, notBefore: 0, notAfter }
    }
    return {
      host: pair('host', 'golden'),
      services: new Map(services.map((service) => [service, pair('service', service)])),
      trustBundlePem: this.#authority.bundlePem,
    }
  }
}
