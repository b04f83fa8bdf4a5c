import { Latest, waitFor } from '../../common/latest.js'
import { silentLog } from '../../common/log.js'
import { type DeltaClientOptions, runDeltaClient } from '../../common/xds/client.js'
import type { ResourceSet } from '../../common/xds/resource.js'
import { ResourceStore } from '../../common/xds/store.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { decodeResponse } from '../../common/xds/wire.js'
import type { GrpcFixture } from './grpc-fixture.js'

/** The types that the test relay asks for. */
export const TYPES: readonly string[] = [CLUSTER, ENDPOINT, LISTENER, ROUTE]

/** A running delta client for the node `relay`, with counters of what it is sent. */
export class RelayFixture implements AsyncDisposable {
  readonly store: ResourceStore
  readonly ended: Promise<void>
  resourcesReceived = 0
  seenVersions = 0
  largestMessage = 0
  readonly #stop = new AbortController()
  readonly #synced = new Latest(false)

  constructor(server: GrpcFixture, options: Partial<DeltaClientOptions> = {}) {
    this.store = options.store ?? new ResourceStore()
    this.ended = runDeltaClient(
      {
        open: () => {
          const call = server.open()
          return { ...call, messages: this.#count(call.messages) }
        },
        node: { id: 'relay' },
        types: TYPES,
        log: silentLog,
        onSynced: () => this.#synced.set(true),
        ...options,
        store: this.store,
      },
      this.#stop.signal,
    )
    this.ended.catch(() => undefined)
  }

  /** Resolves when the server has answered every type. */
  get synced(): Promise<boolean> {
    return waitFor(this.#synced, (synced) => synced, AbortSignal.timeout(10_000))
  }

  versions(type: string): Record<string, string> {
    return { ...this.store.versions(type) }
  }

  async until(accept: (resources: ResourceSet) => boolean): Promise<void> {
    await waitFor(this.store.resources, accept, AbortSignal.timeout(10_000))
  }

  /** Waits until the relay has a service in this version. */
  has(name: string, version: string): Promise<void> {
    return this.until((resources) => TYPES.every((type) => resources.get(type)?.get(name)?.version === version))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.ended.catch(() => undefined)
  }

  async *#count(messages: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const message of messages) {
      const { resources, typeUrl } = decodeResponse(message)
      this.resourcesReceived += resources.length
      if (typeUrl === CLUSTER) this.seenVersions += resources.length
      this.largestMessage = Math.max(this.largestMessage, message.length)
      yield message
    }
  }
}
