import { createHash } from 'node:crypto'
import { type GoalLayer, NAMES, VERSIONS } from './expected.js'
import type { Http2Connection } from './http2.js'
import { parse } from './parsed.js'
import { ADS_STREAM, acknowledgement, beginSession, refusal, type Subscription, subscribe } from './requests.js'
import { messageIn, readHead } from './response.js'

/** How a client behaves: as it should, without ever reading, or refusing all that comes after its first answers. */
export type Behaviour = 'honest' | 'stuck' | 'refusing'

/** One client of the load. */
export interface ClientPlan {
  readonly host: string
  readonly subscriptions: readonly Subscription[]
  /** What it says on a session of its own, beside ADS; absent: it has none. */
  readonly session?: readonly Uint8Array[]
  /** Whether the changes of the benchmark reach it; the null server pushes to these. */
  readonly concerned: boolean
}

/** What a client tells the herd that it is part of. */
export interface ClientEvents {
  /** A response was applied and its ACK written. @param missing how much the count of wrong names changed */
  acknowledged(client: LightClient, missing: number): void
  received(client: LightClient, type: string, bytes: Buffer, resources: number): void
  /** A resource was met in a version that nobody had before. */
  first?(type: string, name: string, version: number, message: Uint8Array): void
  failed(client: LightClient, reason: string): void
}

/**
 * One proxy of the load: a delta ADS client that keeps of each resource nothing but its version, and always knows in how
 * many names it differs from what it is to hold.
 */
export class LightClient {
  readonly plan: ClientPlan
  /** Names in which it differs from its goal. */
  missing = 0
  behaviour: Behaviour = 'honest'
  readonly #events: ClientEvents
  readonly #layers: readonly GoalLayer[]
  readonly #types = new Map<string, HeldType>()
  readonly #whole: (() => void)[] = []
  readonly #answered: (() => void)[] = []
  #unanswered = new Set<string>()
  #connection: Http2Connection | undefined

  constructor(plan: ClientPlan, layers: readonly GoalLayer[], events: ClientEvents) {
    this.plan = plan
    this.#layers = layers
    this.#events = events
    for (const { type, names } of plan.subscriptions) {
      const wanted = names === '*' ? undefined : new Set(names.map((name) => NAMES.of(name)))
      this.#types.set(type, { wanted, held: new Int32Array(NAMES.size) })
      for (const name of this.#goalNames(type)) if (this.#goal(type, name) !== 0) this.missing++
    }
  }

  /** Begins its stream. What it holds from a stream before is told to the server. */
  begin(open: (events: ConstructorParameters<typeof Http2Connection>[1]) => Http2Connection, path: string): void {
    const connection = open({
      message: (stream, bytes) => {
        if (stream === ADS_STREAM) this.#receive(bytes)
      },
      ended: (reason) => this.#events.failed(this, reason),
    })
    this.#connection = connection
    connection.open(ADS_STREAM, path, { 'x-bench-concerned': this.plan.concerned ? 'yes' : 'no' })
    this.#unanswered = new Set(this.#types.keys())
    if (this.plan.session !== undefined) beginSession(connection, this.plan.host, this.plan.session)
    for (const subscription of this.plan.subscriptions) {
      connection.send(ADS_STREAM, subscribe(this.plan.host, subscription, this.#versions(subscription.type)))
    }
  }

  /** Resolves once it holds what it is to hold. */
  whole(): Promise<void> {
    return this.missing === 0 ? Promise.resolve() : new Promise((resolve) => this.#whole.push(resolve))
  }

  /** Resolves once it has had an answer for each type that it asked for since it began last. */
  answered(): Promise<void> {
    return this.#unanswered.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#answered.push(resolve))
  }

  /** Ends its connection without a farewell. */
  end(): void {
    this.#connection?.close()
  }

  get connection(): Http2Connection | undefined {
    return this.#connection
  }

  /** The number of the version that it holds of a name; 0: nothing. */
  holds(type: string, name: number): number {
    return this.#types.get(type)?.held[name] ?? 0
  }

  /** 1 where what it holds of a name is not its goal, else 0. */
  differsIn(type: string, name: number): number {
    return this.holds(type, name) === this.#goal(type, name) ? 0 : 1
  }

  /** Its goal is another one now, by which it differs in so many names more. @returns the same number */
  aimed(change: number): number {
    return this.#count(change)
  }

  /** The names in which it differs from its goal, at most so many, for people. */
  faults(most: number): readonly string[] {
    const faults: string[] = []
    for (const [type, { held }] of this.#types) {
      for (const name of new Set([...this.#goalNames(type), ...held.keys()])) {
        const [has, goal] = [held[name] ?? 0, this.#goal(type, name)]
        if (has === goal || faults.length >= most) continue
        const what = has === 0 ? 'missing' : goal === 0 ? 'extra' : 'of another version'
        faults.push(`${this.plan.host}: ${NAMES.text(name)} of ${type.split('.').at(-1)} is ${what}`)
      }
    }
    return faults
  }

  #receive(bytes: Buffer): void {
    const { type, nonce } = readHead(bytes)
    if (this.behaviour === 'refusing') {
      this.#connection?.sendFrame(ADS_STREAM, refusal(type, nonce))
      return
    }
    const { names, versions } = parse(bytes, (name, version, body) => this.#meet(type, name, version, body))
    const missing = this.#take(type, names, versions)
    this.#events.received(this, type, bytes, versions.length)
    this.#connection?.sendFrame(ADS_STREAM, acknowledgement(type, nonce))
    this.#events.acknowledged(this, this.#count(missing))
    if (this.#unanswered.delete(type) && this.#unanswered.size === 0) {
      for (const resolve of this.#answered.splice(0)) resolve()
    }
  }

  /** A version is the hash of its bytes, which is held to be so where it is met first. */
  #meet(type: string, name: string, version: string, body: Uint8Array): void {
    const number = VERSIONS.of(version)
    if (seen.has(number)) return
    seen.add(number)
    const message = messageIn(body)
    const hash = createHash('sha256').update(message).digest('hex').slice(0, version.length)
    if (hash !== version) this.#events.failed(this, `${name} has version ${version}, its bytes have ${hash}`)
    this.#events.first?.(type, name, number, message)
  }

  /** @returns by how many names more it differs from its goal then */
  #take(type: string, names: Int32Array, versions: Int32Array): number {
    const known = this.#types.get(type)
    if (known === undefined) return names.length
    let missing = 0
    for (const [index, name] of names.entries()) {
      if (name >= known.held.length) known.held = grown(known.held, name)
      const version = versions[index] ?? 0
      const goal = this.#goal(type, name)
      missing += (version === goal ? 0 : 1) - (known.held[name] === goal ? 0 : 1)
      known.held[name] = version
    }
    return missing
  }

  #count(change: number): number {
    this.missing += change
    if (this.missing === 0) for (const resolve of this.#whole.splice(0)) resolve()
    return change
  }

  /** The version that a name is to have; 0 where it is not subscribed to, or is nothing. */
  #goal(type: string, name: number): number {
    const known = this.#types.get(type)
    if (known === undefined || known.wanted?.has(name) === false) return 0
    for (const layer of this.#layers) {
      const version = layer.get(type)?.get(name)
      if (version !== undefined && version !== 0) return version
    }
    return 0
  }

  #goalNames(type: string): Iterable<number> {
    const wanted = this.#types.get(type)?.wanted
    return wanted ?? new Set(this.#layers.flatMap((layer) => [...(layer.get(type)?.keys() ?? [])]))
  }

  #versions(type: string): Readonly<Record<string, string>> {
    const held = this.#types.get(type)?.held ?? []
    return Object.fromEntries(
      [...held].flatMap((version, name) => (version === 0 ? [] : [[NAMES.text(name), VERSIONS.text(version)]])),
    )
  }
}

/** Versions whose bytes have been looked at. */
const seen = new Set<number>()

interface HeldType {
  /** Numbers of the names that are asked for; absent: all. */
  readonly wanted: ReadonlySet<number> | undefined
  /** The version that is held of each name, by number. */
  held: Int32Array
}

function grown(held: Int32Array, name: number): Int32Array {
  const next = new Int32Array(Math.max(name + 1, 2 * held.length))
  next.set(held)
  return next
}
