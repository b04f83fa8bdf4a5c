import { chmod, rm } from 'node:fs/promises'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { Latest } from '../../common/latest.js'
import type { Task } from '../../common/tasks.js'
import { type AdsCall, addAdsService } from '../../common/xds/grpc-service.js'
import type { XdsObserver } from '../../common/xds/observer.js'
import type { RefusedResource } from '../../common/xds/refusal.js'
import type { Publication, ResourceSet } from '../../common/xds/resource.js'
import { XdsServer } from '../../common/xds/server.js'
import type { HoldBack } from './hold-back.js'

/** The only client of the relay's socket, by whatever name an Envoy calls itself. */
const ENVOY = 'envoy'

/** What Envoy makes of what it was given. */
export interface RelayStatus {
  readonly subscribed: number
  readonly acknowledged: number
  readonly refused: readonly RefusedResource[]
}

/** The sources of what Envoy is given. */
export interface RelayOptions {
  /** Path of the Unix socket. */
  readonly socket: string
  /** What the control plane sent, without what Envoy refuses. */
  readonly upstream: HoldBack
  /** What the agent answers itself: the secrets. It wins over the control plane. */
  readonly own: Latest<ResourceSet>
  /** Whether Envoy is answered yet; before that its requests wait. */
  readonly serving: Latest<boolean>
  /** Counts what goes between the relay and Envoy. */
  readonly observer: XdsObserver
}

/**
 * Serves xDS to the local Envoy on a Unix socket, with the engine that the control plane uses: what the control plane
 * sent and the agent's own secrets, in Envoy's order. It serves any number of Envoys at once, as in a hot restart.
 */
export class Relay {
  readonly status = new Latest<RelayStatus>({ subscribed: 0, acknowledged: 0, refused: [] })
  readonly #publication: Latest<Publication>
  readonly #xds: XdsServer<AdsCall>
  readonly #options: RelayOptions

  constructor(options: RelayOptions) {
    this.#options = options
    this.#publication = new Latest(publicationOf(options))
    for (const source of [options.upstream.served, options.own, options.serving] as readonly Latest<unknown>[]) {
      source.subscribe(() => this.#publication.set(publicationOf(options)))
    }
    this.#xds = new XdsServer(this.#publication, {
      identify: () => ENVOY,
      observer: options.observer,
      // What was refused and is taken away is not refused any more, and Envoy has nothing to say to that.
      onRefused: () => this.#refresh(),
    })
    this.#xds.activity.subscribe(() => this.#refresh())
  }

  /** Binds the socket (mode 0660). @returns a task that serves until its signal aborts */
  async listen(): Promise<Task> {
    const { socket } = this.#options
    await rm(socket, { force: true })
    const server = new Server({ 'grpc.max_send_message_length': -1 })
    addAdsService(server, this.#xds)
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      )
    })
    await chmod(socket, 0o660)
    return async (signal) => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      this.#xds.close()
      server.forceShutdown()
    }
  }

  #refresh(): void {
    const streams = this.#xds.statuses()
    const refused = streams.flatMap((stream) => stream.refused)
    this.#options.upstream.observe(refused)
    const held = this.#options.upstream.refused
    const types = streams.flatMap((stream) => stream.types())
    this.status.set({
      subscribed: types.reduce((sum, { subscribed }) => sum + subscribed, 0),
      acknowledged: types.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      refused: [
        ...held,
        ...refused.filter((one) => !held.some(({ type, name }) => type === one.type && name === one.name)),
      ],
    })
  }
}

function publicationOf({ upstream, own, serving }: RelayOptions): Publication {
  const layers = new Map([
    ['own', own.value],
    ['control-plane', upstream.served.value],
  ])
  return { layers, clients: serving.value ? LISTED : NOBODY }
}

const LISTED: Publication['clients'] = new Map([[ENVOY, ['own', 'control-plane']]])
const NOBODY: Publication['clients'] = new Map()
