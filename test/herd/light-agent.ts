import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { HostCredentials, Trust } from '../../agent/control-plane/channel.js'
import { Links } from '../../agent/control-plane/links.js'
import type { Reports } from '../../agent/control-plane/session.js'
import { joinMesh } from '../../agent/identity/join.js'
import { IdentityStore } from '../../agent/identity/store.js'
import { followControlPlane, NOT_FOLLOWED } from '../../agent/relay/upstream.js'
import { parseToken } from '../../common/join-token.js'
import { Latest } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import {
  EnvoyReportSchema,
  Health,
  HostReportSchema,
  ProblemsReportSchema,
  ServiceReportSchema,
  ServicesReportSchema,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { parseSocketAddress } from '../../common/socket-address.js'
import { runTasks } from '../../common/tasks.js'
import { ResourceStore } from '../../common/xds/store.js'

/** Who a light agent is. */
export interface LightHost {
  readonly host: string
  readonly address: string
  /** The one service that it runs. */
  readonly service: string
}

/**
 * An agent without Envoy, service files and checks, many of which fit into one process: its identity, its session and its
 * stream of configuration are those of the real one, over mutual TLS.
 */
export class LightAgent {
  readonly host: string
  /** Whether it has a session, and all that the control plane has for it. */
  readonly followed = new Latest(NOT_FOLLOWED)
  readonly store = new ResourceStore()
  readonly #one: LightHost
  readonly #reports: Latest<Reports>
  readonly #links: Links
  readonly #end = new AbortController()
  #running: Promise<void> = Promise.resolve()

  /** Joins the mesh with a token. @param stateDirectory where its identity is kept */
  static async join(one: LightHost, token: string, stateDirectory: string): Promise<LightAgent> {
    const identity = new IdentityStore(stateDirectory)
    await joinMesh({ host: one.host, tokenText: token, token: parseToken(token), store: identity })
    const [membership, host, trustBundlePem] = await Promise.all([
      identity.readMembership(),
      identity.readKeyPair('host'),
      identity.readBundle(),
    ])
    if (membership === undefined || host === undefined || trustBundlePem === undefined) {
      throw new Error(`${one.host} has joined and holds nothing`)
    }
    const trust = { trustBundlePem, trustDomain: membership.trustDomain }
    const addresses = membership.controlPlanes.flatMap((text) => parseSocketAddress(text) ?? [])
    return new LightAgent(one, addresses, { host, trust })
  }

  private constructor(
    one: LightHost,
    addresses: ConstructorParameters<typeof Links>[0],
    credentials: { readonly host: HostCredentials; readonly trust: Trust },
  ) {
    this.host = one.host
    this.#one = one
    this.#reports = new Latest(reportsOf(one, Health.PASSING))
    const answer = () => Promise.reject(new Error('a light agent has no Envoy'))
    this.#links = new Links(addresses, {
      credentials: () => credentials,
      reports: this.#reports,
      answer,
      log: silentLog,
    })
  }

  start(): void {
    const node = { id: this.host, userAgentName: 'light-agent', userAgentVersion: '0' }
    const { current } = this.#links
    const { store, followed } = this
    const follow = followControlPlane({ current, node, store, whole: new Latest(false), followed, log: silentLog })
    this.#running = runTasks(this.#end.signal, [this.#links.run, follow])
  }

  /** Tells how its service is from now on. */
  tell(health: Health.PASSING | Health.CRITICAL): void {
    this.#reports.set({ ...this.#reports.value, services: reportsOf(this.#one, health).services })
  }

  /** Goes away without a farewell. */
  async stop(): Promise<void> {
    this.#end.abort()
    await this.#running
  }
}

function reportsOf({ host, address, service }: LightHost, health: Health): Reports {
  const main = { name: 'main', port: 8080, protocol: 'http' }
  return {
    host: create(HostReportSchema, {
      address,
      port: 15006,
      inboundAddress: address,
      inboundPort: 15006,
      agentVersion: '0',
      envoyVersion: '1.40.0',
      namesMode: 'bind',
      sessionId: randomUUID(),
      caller: service,
      applicationAddress: address,
    }),
    services: create(ServicesReportSchema, {
      services: [
        create(ServiceReportSchema, {
          service,
          ports: [main],
          weight: 100,
          health,
          healthDetail: 'as it is told',
          source: `services.d/${service}.yaml:1`,
        }),
      ],
    }),
    envoy: create(EnvoyReportSchema, {
      state: 'ready',
      sinceUnixMs: BigInt(Date.now()),
      subscribed: 1,
      acknowledged: 1,
      detail: `of ${host}`,
    }),
    problems: create(ProblemsReportSchema, {}),
    leaving: false,
  }
}
