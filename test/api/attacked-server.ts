import assert from 'node:assert/strict'
import type { TcpSocketConnectOpts } from 'node:net'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Client } from '@grpc/grpc-js'
import { type HostCredentials, openChannel } from '../../agent/control-plane/channel.js'
import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { runDeltaClient } from '../../common/xds/client.js'
import { openDeltaCall } from '../../common/xds/grpc-call.js'
import { type AdsCall, addAdsService } from '../../common/xds/grpc-service.js'
import type { Publication, Resource } from '../../common/xds/resource.js'
import { XdsServer } from '../../common/xds/server.js'
import { ResourceStore } from '../../common/xds/store.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET } from '../../common/xds/types.js'
import { CONNECTION_LIMITS, type ConnectionLimits } from '../../controlplane/api/limits.js'
import { ApiServer, type CallerOf } from '../../controlplane/api/server.js'
import { identifyByCertificate } from '../../controlplane/api/services.js'
import { atEnd } from '../lab/at-end.js'
import { publish, resourceSet, service, testResource } from '../xds/mesh-model.js'
import { foreignAuthority, forge } from './callers.js'
import { TRUST_DOMAIN } from './watched-log.js'

/** The hosts that the server knows: one that behaves, and two whose certificates an attacker has, one of them banned. */
export const [HONEST, HOSTILE, BANNED] = ['honest-1', 'hostile-1', 'banned-1']

/** Limits as a fleet has them, with less patience, so that tests end soon. */
export const IMPATIENT: ConnectionLimits = { ...CONNECTION_LIMITS, handshakeMs: 1_000 }

/** A change that reaches others later than this, milliseconds, is late; one of ten may be, on a machine that is busy. */
const PROMPT_MS = 1_000

/** Checks that the honest host got changes in time. @param delays of at least one change, milliseconds */
export function checkPrompt(...delays: readonly number[]): void {
  const late = delays.filter((ms) => ms >= PROMPT_MS)
  assert.ok(late.length <= delays.length / 10, `of ${delays.length} changes these took too long: ${late} ms`)
}

/** The API's port with xDS behind it, and an honest host that follows each change while others attack. */
export class AttackedServer {
  readonly address: SocketAddress
  readonly xds: XdsServer<AdsCall>
  /** Ends the port; the test's end does too. */
  readonly close: () => Promise<void>
  readonly #publication: Latest<Publication>
  readonly #authority: Awaited<ReturnType<typeof foreignAuthority>>
  readonly #store = new ResourceStore()
  #version = 0

  /** Starts it, with the honest host in step unless there is to be none; all of it ends with the test. */
  static async start(t: TestContext, limits: ConnectionLimits = IMPATIENT, honest = true): Promise<AttackedServer> {
    const authority = await foreignAuthority(t)
    const publication = new Latest<Publication>(publish([]))
    let callerOf: CallerOf = () => undefined
    const xds = new XdsServer<AdsCall>(publication, { identify: identifyByCertificate(() => callerOf) })
    const own = forge(authority, { kind: 'control-plane', trustDomain: TRUST_DOMAIN, name: 'cp-1' })
    const credentials = { ...own, trustBundlePem: authority.bundlePem }
    const listen = { address: '127.0.0.1', port: 0 }
    const options = {
      listen,
      credentials,
      trustDomain: TRUST_DOMAIN,
      refuseHost: (host: string) => (host === BANNED ? `host ${BANNED} is banned` : undefined),
      log: silentLog,
      limits,
    }
    const api = new ApiServer(options, (grpc, finder) => {
      callerOf = finder
      addAdsService(grpc, xds)
    })
    const server = new AttackedServer(await api.listen(), xds, publication, authority, () => api.close())
    atEnd(t, () => server.close())
    atEnd(t, () => xds.close())
    if (honest) {
      server.#follow(t)
      await server.change()
    }
    return server
  }

  private constructor(
    address: SocketAddress,
    xds: XdsServer<AdsCall>,
    publication: Latest<Publication>,
    authority: Awaited<ReturnType<typeof foreignAuthority>>,
    close: () => Promise<void>,
  ) {
    this.close = close
    this.address = address
    this.xds = xds
    this.#publication = publication
    this.#authority = authority
  }

  /** Publishes a change. @returns after how many milliseconds the honest host has it */
  async change(bytes = 0): Promise<number> {
    const version = String(++this.#version)
    const start = performance.now()
    this.#publication.set(this.#build(version, bytes))
    await waitFor(
      this.#store.resources,
      (all) => all.get(CLUSTER)?.get('shop')?.version === version,
      AbortSignal.timeout(20_000),
    )
    return performance.now() - start
  }

  /** What a host presents. */
  credentialsOf(host: string): HostCredentials {
    return forge(this.#authority, { kind: 'host', trustDomain: TRUST_DOMAIN, name: host })
  }

  /** A gRPC client with the certificate of a host. */
  client(t: TestContext, host: string): Client {
    const trust = { trustBundlePem: this.#authority.bundlePem, trustDomain: TRUST_DOMAIN }
    const client = openChannel(this.address, trust, this.credentialsOf(host))
    atEnd(t, () => client.close())
    return client
  }

  /** A TLS connection on which anything can be said, of a host or of nobody; its errors are not told. */
  open(
    t: TestContext,
    host: string | undefined,
    options: ConnectionOptions & Pick<TcpSocketConnectOpts, 'localAddress'> = {},
  ): TLSSocket {
    const own = host === undefined ? undefined : this.credentialsOf(host)
    const socket = connect({
      host: this.address.address,
      port: this.address.port,
      ca: this.#authority.bundlePem,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['h2'],
      ...(own === undefined ? {} : { key: own.keyPem, cert: own.chainPem }),
      ...options,
    })
    socket.on('error', () => socket.destroy())
    atEnd(t, () => void socket.destroy())
    return socket
  }

  #follow(t: TestContext): void {
    const stop = new AbortController()
    const client = this.client(t, HONEST)
    const running = runDeltaClient(
      {
        open: () => openDeltaCall(client),
        node: { id: HONEST },
        types: [CLUSTER, ENDPOINT, LISTENER, ROUTE],
        store: this.#store,
        log: silentLog,
      },
      stop.signal,
    )
    atEnd(t, async () => {
      stop.abort()
      await running
    })
  }

  #build(version: string, bytes: number): Publication {
    const filler: Resource = { ...testResource(LISTENER, 'filler', version), bytes: new Uint8Array(bytes) }
    const shared = resourceSet(...service('shop', version), ...(bytes === 0 ? [] : [filler]))
    const secrets = (host: string) => resourceSet(testResource(SECRET, `secret-of-${host}`, '1'))
    return {
      layers: new Map([
        ['shared', shared],
        ...[HONEST, HOSTILE].map((host) => [`own:${host}`, secrets(host ?? '')] as const),
      ]),
      clients: new Map([HONEST, HOSTILE].map((host) => [host ?? '', [`own:${host}`, 'shared']])),
    }
  }
}
