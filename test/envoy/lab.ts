import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { buildBootstrap } from '../../agent/bootstrap.js'
import type { HeldKeyPair } from '../../agent/identity/certificates.js'
import { buildSecrets } from '../../agent/identity/secrets.js'
import type { Identity } from '../../common/identity.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { type AdsCall, addAdsService } from '../../common/xds/grpc-service.js'
import { EMPTY_PUBLICATION, type Publication, type ResourceSet } from '../../common/xds/resource.js'
import { XdsServer } from '../../common/xds/server.js'
import { clientOf } from '../../controlplane/api/services.js'
import { type Authority, initAuthority } from '../../controlplane/ca/authority.js'
import { issueLeaf } from '../../controlplane/ca/issue.js'
import { buildResources } from '../../controlplane/envoy/build.js'
import { ResourceMemo } from '../../controlplane/envoy/memo.js'
import { type TestMesh, TRUST_DOMAIN } from '../mesh/inputs.js'

/** Real Envoys that get what is built for a mesh straight from an xDS server, without agents and a control plane. */
export class EnvoyLab {
  readonly directory: string
  readonly authority: Authority
  readonly #publication = new Latest<Publication>(EMPTY_PUBLICATION)
  readonly #xds = new XdsServer<AdsCall>(this.#publication, {
    identify: (node) => (node === undefined ? '' : clientOf(node.id, node)),
    log: silentLog,
  })
  readonly #server = new Server()
  readonly #memo = new ResourceMemo()
  readonly #envoys = new Map<string, ChildProcess>()
  readonly #pairs = new Map<string, HeldKeyPair>()

  private constructor(directory: string, authority: Authority) {
    this.directory = directory
    this.authority = authority
  }

  static async start(): Promise<EnvoyLab> {
    const directory = await mkdtemp(join(tmpdir(), 'envoys-'))
    const options = { trustDomain: TRUST_DOMAIN, controlPlaneId: 'cp' }
    const lab = new EnvoyLab(directory, await initAuthority(join(directory, 'ca'), options))
    addAdsService(lab.#server, lab.#xds)
    await new Promise<void>((resolve, reject) => {
      lab.#server.bindAsync(`unix:${lab.socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      )
    })
    return lab
  }

  /** Path of the Unix socket on which xDS is served. */
  get socket(): string {
    return join(this.directory, 'xds.sock')
  }

  /**
   * Starts the Envoy of a host with the bootstrap and the options that its agent would give it.
   *
   * @param apiType `GRPC` for state-of-the-world streams, which agents do not use
   */
  async startEnvoy(host: string, binary: string, apiType: 'DELTA_GRPC' | 'GRPC' = 'DELTA_GRPC'): Promise<void> {
    const bootstrap = join(this.directory, `${host}.json`)
    const adminSocket = this.#adminSocket(host)
    const node = { host, locality: {}, metadata: {}, xdsSocket: this.socket, adminSocket, metrics: undefined }
    await writeFile(bootstrap, buildBootstrap(node).replace('"DELTA_GRPC"', `"${apiType}"`))
    const options = ['-c', bootstrap, '--reject-unknown-dynamic-fields', '--disable-hot-restart', '--concurrency', '1']
    const envoy = spawn(binary, [...options, '--log-level', 'error'], { stdio: ['ignore', 'ignore', 'inherit'] })
    this.#envoys.set(host, envoy)
  }

  /** Publishes a mesh, with the secrets that each host's agent would answer. */
  publish({ mesh, catalog }: TestMesh): void {
    const built = buildResources(mesh, { trustBundlePem: this.authority.bundlePem }, this.#memo)
    const layers = new Map(built.layers)
    const clients = new Map(built.clients)
    for (const host of mesh.hosts.values()) {
      const declaring = host.upstreams.flatMap(({ as }) => as ?? [])
      const services = [...host.inbound.flatMap(({ ports }) => ports).map(({ service }) => service), ...declaring]
      layers.set(`secrets:${host.name}`, this.#secrets(host.name, services, catalog.hosts.get(host.name)?.caller))
      clients.set(host.name, [`secrets:${host.name}`, ...(built.clients.get(host.name) ?? [])])
    }
    this.#publication.set({ layers, clients })
  }

  /** Takes what is a host's own of one type away from it, and nothing else from anybody. */
  async takeAway(host: string, type: string): Promise<void> {
    const { layers, clients } = this.#publication.value
    const name = `host:${host}`
    const left = new Map([...(layers.get(name) ?? [])].filter(([one]) => one !== type))
    this.#publication.set({ layers: new Map([...layers, [name, left]]), clients })
    await this.#settle()
  }

  /** Publishes a mesh and waits until every Envoy uses it. @throws with what an Envoy refuses */
  async serve(mesh: TestMesh): Promise<void> {
    this.publish(mesh)
    await this.#settle()
  }

  async #settle(): Promise<void> {
    const signal = AbortSignal.timeout(20_000)
    await waitFor(this.#xds.activity, () => this.#answered(), signal)
    const refused = this.#xds.statuses().flatMap((stream) => stream.refused)
    if (refused.length > 0) throw new Error(refused.map(({ name, error }) => `${name}: ${error}`).join('\n'))
    for (const host of this.#envoys.keys()) await this.#warm(host, signal)
  }

  /** All that an Envoy uses, as its admin interface tells, with the endpoints. */
  async configDump(host: string): Promise<string> {
    return this.#admin(host, '/config_dump?include_eds')
  }

  /** What each Envoy has been told and has accepted. */
  get streams() {
    return this.#xds.statuses()
  }

  /** The value of one of an Envoy's counters or gauges; 0 where nothing has happened yet. */
  async stat(host: string, name: string): Promise<number> {
    const text = await this.#admin(host, `/stats?filter=^${name.replaceAll('.', '\\.')}$`)
    return Number(/: (\d+)/.exec(text)?.[1] ?? 0)
  }

  /** A key and a certificate of the mesh's CA. */
  pair(identity: Identity): HeldKeyPair {
    const key = JSON.stringify(identity)
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    const keys = generateKeyPair()
    const { chainPem, notAfter } = issueLeaf(this.authority, { csrPem: buildCsr(keys), identity }, silentLog)
    const pair = { keyPem: exportPrivateKey(keys.privateKey), chainPem, notBefore: 0, notAfter }
    this.#pairs.set(key, pair)
    return pair
  }

  /** Ends the Envoy of a host without a word, as when the host is gone. */
  async stopEnvoy(host: string): Promise<void> {
    const envoy = this.#envoys.get(host)
    this.#envoys.delete(host)
    if (envoy === undefined || envoy.exitCode !== null || envoy.signalCode !== null) return
    const closed = once(envoy, 'close')
    envoy.kill('SIGKILL')
    await closed
  }

  /** Ends every Envoy that was started, and the server. */
  async stop(): Promise<void> {
    for (const host of [...this.#envoys.keys()]) await this.stopEnvoy(host)
    this.#xds.close()
    this.#server.forceShutdown()
    await rm(this.directory, { recursive: true, force: true })
  }

  #secrets(host: string, services: readonly string[], caller: string | undefined): ResourceSet {
    const names = new Set(caller === undefined ? services : [...services, caller])
    const pair = (kind: 'host' | 'service', name: string) => this.pair({ kind, trustDomain: TRUST_DOMAIN, name })
    const credentials = {
      host: pair('host', host),
      services: new Map([...names].map((service) => [service, pair('service', service)])),
      trustBundlePem: this.authority.bundlePem,
    }
    return buildSecrets(credentials, caller)
  }

  #answered(): boolean {
    const streams = this.#xds.statuses()
    const all = [...this.#envoys.keys()].every((host) => streams.some(({ client }) => client === host))
    return all && streams.every(({ acknowledged, refused }) => acknowledged || refused.length > 0)
  }

  /** Waits until nothing of an Envoy waits for a part of its configuration; each question is a round trip. */
  async #warm(host: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const stats = await this.#admin(host, '/stats?filter=(warming|workers_started)')
      const warming = [...stats.matchAll(/warming[a-z_]*: (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
      if (warming === 0 && this.#answered() && stats.includes('workers_started: 1')) return
    }
  }

  #adminSocket(host: string): string {
    return join(this.directory, `${host}.admin`)
  }

  #admin(host: string, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.#adminSocket(host), path }, async (response) => {
        const parts: Buffer[] = []
        for await (const part of response) parts.push(part as Buffer)
        resolve(Buffer.concat(parts).toString())
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  }
}
