import { Latest } from '../../common/latest.js'
import type {
  IssueRequest,
  IssueResponse,
  RecoverRequest,
  RecoverResponse,
  Welcome,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import type { SocketAddress } from '../../common/socket-address.js'
import type { Task } from '../../common/tasks.js'
import { call, issue, recover } from './calls.js'
import { openChannel } from './channel.js'
import { Link, type LinkOptions, type LinkState } from './link.js'

/** A control plane with which there is a session. */
export interface ConnectedLink extends Extract<LinkState, { readonly state: 'connected' }> {
  readonly address: SocketAddress
}

/**
 * The connections to all control planes: the agent reports to each, and asks one of them for what it needs. That one
 * stays until its session is lost; then it is whichever has a session, in the order of the list. An agent does not go
 * back to the first by itself: a control plane that comes and goes would else be followed at each turn.
 */
export class Links {
  /** The control plane that is asked; undefined while none is connected. Its client changes with its session. */
  readonly current = new Latest<ConnectedLink | undefined>(undefined)
  /** What that control plane said last; undefined before the first. */
  readonly welcome = new Latest<Welcome | undefined>(undefined)
  readonly #all: readonly Link[]
  readonly #credentials: LinkOptions['credentials']

  /** @param addresses in the order in which control planes are preferred */
  constructor(addresses: readonly SocketAddress[], options: Omit<LinkOptions, 'address'>) {
    this.#credentials = options.credentials
    this.#all = addresses.map((address) => new Link({ ...options, address }))
    for (const { state } of this.#all) state.subscribe(() => this.#choose())
  }

  /** Holds all sessions until the signal aborts or the host has left. */
  readonly run: Task = async (signal) => {
    await Promise.all(this.#all.map((link) => link.run(signal)))
    // An agent that knows no control plane has nobody to say farewell to, and lives on by what it has.
    if (this.#all.length === 0 && !signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    }
  }

  /** How each connection stands, in the order of preference. */
  states(): readonly { readonly address: SocketAddress; readonly state: LinkState }[] {
    return this.#all.map(({ address, state }) => ({ address, state: state.value }))
  }

  /** Asks the current control plane for certificates; undefined while none is connected. */
  issue(request: IssueRequest): Promise<IssueResponse> | undefined {
    const current = this.current.value
    return current === undefined ? undefined : call(current.client, issue, request)
  }

  /**
   * Asks one control plane after the other for a certificate in the place of one that has expired, without presenting
   * any.
   *
   * @throws what the last of them answered
   */
  async recover(request: RecoverRequest): Promise<RecoverResponse> {
    let failure: unknown = new Error('no control plane is known')
    for (const { address } of this.#all) {
      const client = openChannel(address, this.#credentials().trust, undefined)
      try {
        return await call(client, recover, request)
      } catch (error) {
        failure = error
      } finally {
        client.close()
      }
    }
    throw failure
  }

  #choose(): void {
    const before = this.current.value
    const connected = this.#all.flatMap(({ address, state }) =>
      state.value.state === 'connected' ? [{ ...state.value, address }] : [],
    )
    const now = connected.find(({ client }) => client === before?.client) ?? connected[0]
    if (now?.client === before?.client && now?.welcome === before?.welcome) return
    this.current.set(now)
    if (now !== undefined && now.welcome !== this.welcome.value) this.welcome.set(now.welcome)
  }
}
