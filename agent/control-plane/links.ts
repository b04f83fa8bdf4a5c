import type { Client } from '@grpc/grpc-js'
import { Latest } from '../../common/latest.js'
import type { IssueRequest, IssueResponse, Welcome } from '../../common/proto/mesh/v1/mesh_pb.js'
import type { SocketAddress } from '../../common/socket-address.js'
import type { Task } from '../../common/tasks.js'
import { call, issue } from './calls.js'
import { Link, type LinkOptions } from './link.js'

/** The connections to all control planes: the agent reports to each, and asks one of them for what it needs. */
export class Links {
  /** In the order in which control planes are preferred. */
  readonly all: readonly Link[]
  /** What a control plane said last; undefined before the first. */
  readonly welcome = new Latest<Welcome | undefined>(undefined)

  constructor(addresses: readonly SocketAddress[], options: Omit<LinkOptions, 'address'>) {
    this.all = addresses.map((address) => new Link({ ...options, address }))
    for (const { state } of this.all) {
      state.subscribe(() => state.value.state === 'connected' && this.welcome.set(state.value.welcome))
    }
  }

  /** Holds all sessions until the signal aborts or the host has left. */
  readonly run: Task = async (signal) => {
    await Promise.all(this.all.map((link) => link.run(signal)))
    // An agent that knows no control plane has nobody to say farewell to, and lives on by what it has.
    if (this.all.length === 0 && !signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    }
  }

  /** Asks a connected control plane for certificates; undefined while none is connected. */
  issue(request: IssueRequest): Promise<IssueResponse> | undefined {
    const client = this.#client()
    return client === undefined ? undefined : call(client, issue, request)
  }

  #client(): Client | undefined {
    for (const { state } of this.all) if (state.value.state === 'connected') return state.value.client
    return undefined
  }
}
