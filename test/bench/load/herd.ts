import type { SecureContext } from 'node:tls'
import { DELTA_METHOD } from '../../../common/xds/grpc-service.js'
import { openConnection, type ServerAddress } from './connect.js'
import { type Change, type Expected, Goal, NAMES } from './expected.js'
import { type Behaviour, type ClientPlan, LightClient } from './light-client.js'

/** Responses that one client received, by type in their order: what a null server repeats. */
export type Recorded = ReadonlyMap<string, readonly Uint8Array[]>

/** What a herd counts of what it was sent. */
export interface Received {
  readonly resources: number
  readonly responses: number
  readonly bytes: number
}

/** Many light clients of one server, and how far they are from holding what they are to hold. */
export class Herd {
  readonly clients: readonly LightClient[]
  /** What went wrong with a client, at most {@link MOST_FAULTS}. */
  readonly failures: string[] = []
  readonly #goal: Goal
  readonly #byLayer = new Map<string, LightClient[]>()
  #missing = 0
  #received = { resources: 0, responses: 0, bytes: 0 }
  #recorded: Map<string, Uint8Array[]> | undefined
  #whole: ((at: number) => void) | undefined
  #tellFailed: (error: Error) => void = () => undefined
  /** Rejects when a client has failed. */
  readonly #failed = new Promise<never>((_, reject) => {
    this.#tellFailed = reject
  })
  /** Told of resources in versions that nobody had before, and of clients that have acknowledged a response. */
  watcher: { first?: LightClientFirst; acknowledged?: (client: LightClient) => void } = {}

  constructor(plans: readonly ClientPlan[], expected: Expected) {
    this.#goal = new Goal(expected)
    this.#failed.catch(() => undefined)
    const events = {
      acknowledged: (client: LightClient, missing: number) => {
        if (client.behaviour !== 'honest') return
        this.#missing += missing
        this.watcher.acknowledged?.(client)
        if (this.#missing === 0) this.#whole?.(performance.now())
      },
      received: (client: LightClient, type: string, bytes: Buffer, resources: number) => {
        this.#received.resources += resources
        this.#received.responses++
        this.#received.bytes += bytes.length
        if (this.#recorded !== undefined && client === this.recording) {
          this.#recorded.set(type, [...(this.#recorded.get(type) ?? []), Uint8Array.from(bytes)])
        }
      },
      first: (type: string, name: string, version: number, message: Uint8Array) =>
        this.watcher.first?.(type, name, version, message),
      failed: (client: LightClient, reason: string) => this.#fail(`${client.plan.host}: ${reason}`),
    }
    this.clients = plans.map((plan) => new LightClient(plan, this.#goal.layersOf(plan.host), events))
    this.#missing = this.clients.reduce((sum, { missing }) => sum + missing, 0)
    for (const client of this.clients) {
      for (const layer of expected.hosts.get(client.plan.host) ?? []) {
        const seers = this.#byLayer.get(layer) ?? []
        this.#byLayer.set(layer, seers)
        seers.push(client)
      }
    }
  }

  /** The client whose responses are recorded: the first that the changes of the benchmark reach. */
  get recording(): LightClient | undefined {
    return this.clients.find(({ plan }) => plan.concerned)
  }

  /**
   * Connects all clients and waits until each holds what it is to hold.
   *
   * @param atOnce how many clients are begun before others are whole; with all at once, none waits for any
   * @returns milliseconds from the first connection to the last ACK
   */
  async begin(
    server: ServerAddress,
    contexts: readonly (SecureContext | undefined)[],
    atOnce: number,
  ): Promise<number> {
    const begun = performance.now()
    const whole = this.whole()
    whole.catch(() => undefined)
    let next = 0
    const worker = async () => {
      for (let index = next++; index < this.clients.length; index = next++) {
        const open = await openConnection(server, index, contexts[index])
        const client = this.clients[index]
        client?.begin(open, DELTA_METHOD.path)
        if (atOnce < this.clients.length) await client?.whole()
      }
    }
    await Promise.all(Array.from({ length: Math.min(atOnce, this.clients.length) }, worker))
    return (await whole) - begun
  }

  /** Resolves with the monotonic milliseconds at which every honest client holds what it is to hold. */
  whole(): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`after 120 s: ${this.describe()}`)), 120_000)
      this.#whole = (at) => {
        clearTimeout(timer)
        this.#whole = undefined
        resolve(at)
      }
      if (this.#missing === 0) this.#whole(performance.now())
    })
  }

  /** Resolves with the monotonic milliseconds at which the last client has had an answer for each type it asked for. */
  async answered(): Promise<number> {
    await Promise.race([Promise.all(this.clients.map((client) => client.answered())), this.#failed])
    return performance.now()
  }

  /** Gives all clients another goal. */
  aim(changes: readonly Change[]): void {
    for (const change of changes) {
      const name = NAMES.of(change.name)
      const seers = this.#byLayer.get(change.layer) ?? []
      const before = seers.map((client) => client.differsIn(change.type, name))
      this.#goal.set(change)
      for (const [index, client] of seers.entries()) {
        const missing = client.aimed(client.differsIn(change.type, name) - (before[index] ?? 0))
        if (client.behaviour === 'honest') this.#missing += missing
      }
    }
  }

  behave(index: number, behaviour: Behaviour): void {
    const client = this.clients[index]
    if (client === undefined || client.behaviour === behaviour) return
    if (client.behaviour === 'honest') this.#missing -= client.missing
    client.behaviour = behaviour
    if (behaviour === 'honest') this.#missing += client.missing
    if (behaviour === 'stuck') client.connection?.pause()
  }

  /** Begins to count anew, and to record what the recording client receives. */
  restartCounts(record: boolean): void {
    this.#received = { resources: 0, responses: 0, bytes: 0 }
    this.#recorded = record ? new Map() : undefined
  }

  get received(): Received {
    return this.#received
  }

  get recorded(): Recorded {
    return this.#recorded ?? new Map()
  }

  /** What is wrong with what honest clients hold, and with their connections; empty: nothing. */
  faults(): readonly string[] {
    const wrong = this.clients.filter(({ behaviour, missing }) => behaviour === 'honest' && missing !== 0)
    return [...this.failures, ...wrong.slice(0, 3).flatMap((client) => client.faults(3))]
  }

  describe(): string {
    const late = this.clients.filter(({ behaviour, missing }) => behaviour === 'honest' && missing !== 0)
    return [`${late.length} of ${this.clients.length} clients do not hold what they should`, ...this.faults()].join(
      '; ',
    )
  }

  /** Ends all connections without a farewell. */
  end(): void {
    for (const client of this.clients) client.end()
  }

  #fail(reason: string): void {
    this.#tellFailed(new Error(reason))
    if (this.failures.length < MOST_FAULTS) this.failures.push(reason)
  }
}

type LightClientFirst = (type: string, name: string, version: number, message: Uint8Array) => void

const MOST_FAULTS = 5
