import type { DeltaDiscoveryRequest } from '../proto/envoy/service/discovery/v3/discovery_pb.js'
import type { ResponsePolicy } from './blame.js'
import type { Push } from './delivery.js'
import { checkCount, checkLengths, STREAM_LIMITS, type StreamLimits } from './limits.js'
import type { XdsObserver } from './observer.js'
import { type Kind, kindOf, PUSH_ORDER, type PushStep, type Wait } from './order.js'
import { type RefusedResource, StreamRefusal } from './refusal.js'
import { Subscription, type SubscriptionStatus } from './subscription.js'
import { ENDPOINT } from './types.js'
import type { NamesByType, View } from './view.js'

/** The fields of a request that matter after the client has been identified. */
export type DeltaRequest = Pick<
  DeltaDiscoveryRequest,
  | 'typeUrl'
  | 'resourceNamesSubscribe'
  | 'resourceNamesUnsubscribe'
  | 'initialResourceVersions'
  | 'responseNonce'
  | 'errorDetail'
>

/** What may differ from stream to stream; tests give their own. */
export interface DeltaStreamOptions {
  readonly order?: readonly PushStep[]
  readonly limits?: StreamLimits
  /** How the responses of a type are made, where it is not as delta xDS makes them. */
  readonly policyOf?: (type: string) => ResponsePolicy | undefined
  /** Nobody is told unless given. */
  readonly observer?: XdsObserver
}

/**
 * One delta ADS stream as a state machine without I/O: requests and views go in, responses are asked for one by one.
 *
 * A response is made only when it is asked for, so whoever asks less often gets the newest and nothing in between. One
 * response is in flight per type. Until there is a view, nothing is answered.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
 */
export class DeltaStream {
  readonly #order: readonly PushStep[]
  readonly #limits: StreamLimits
  readonly #policyOf: (type: string) => ResponsePolicy | undefined
  readonly #observer: XdsObserver | undefined
  readonly #subscriptions = new Map<string, Subscription>()
  /** Since when each step of the order has had something to send that had to wait. */
  readonly #waiting = new Map<PushStep, number>()
  /** How many versions the client says it has, all types together. */
  #versions = 0
  #view: View | undefined
  /**
   * The client has asked for endpoints and not for clusters. Envoy asks for clusters first, except on a new stream
   * while its clusters warm: then it says nothing of clusters until they are warm, and says that it has the endpoints,
   * but waits to be sent them.
   */
  #clustersPaused = false

  constructor(options: DeltaStreamOptions = {}) {
    const { order = PUSH_ORDER, limits = STREAM_LIMITS, policyOf = () => undefined, observer } = options
    this.#order = order
    this.#limits = limits
    this.#policyOf = policyOf
    this.#observer = observer
  }

  /**
   * Takes a request: a change of subscription, an answer to a response, or both. An answer with the nonce of an older
   * response means nothing any more, but its subscriptions count.
   *
   * @throws {StreamRefusal} when the stream asks for more than its limits allow
   */
  receive(request: DeltaRequest): void {
    this.#check(request)
    const { typeUrl: type, resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request
    const known = this.#subscriptions.get(type)
    const subscription = known ?? new Subscription(type, () => this.#view ?? NOTHING_SEEN, this.#policyOf(type))
    if (known === undefined) {
      const versions = new Map(Object.entries(request.initialResourceVersions))
      this.#versions += versions.size
      this.#noteStart(type)
      subscription.start(subscribe, versions, this.#clustersPaused)
      this.#subscriptions.set(type, subscription)
    } else {
      const reason = this.#reason(request)
      const meant = subscription.delivery.answer(request.responseNonce, reason)
      if (meant) this.#observer?.answered(type, reason === undefined)
      subscription.unsubscribe(unsubscribe)
      subscription.subscribe(subscribe)
    }
    checkCount(this.#names(), this.#limits)
  }

  /**
   * Takes another view, in which nothing but these names may differ; the first view may differ in everything.
   *
   * @returns whether the client subscribes to any of the names
   */
  publish(view: View, changed: NamesByType): boolean {
    const before = this.#view ?? NOTHING_SEEN
    this.#view = view
    let concerned = false
    for (const [type, subscription] of this.#subscriptions) {
      const names = changed.get(type)
      if (names !== undefined && subscription.publish(before, names)) concerned = true
    }
    return concerned
  }

  /** The view that is being served; none until the client is known. */
  get view(): View | undefined {
    return this.#view
  }

  /**
   * Makes the response that is to be sent next, or none for now. Ask again until there is none after each request,
   * each view, and at {@link deadline}.
   *
   * @param now monotonic milliseconds
   */
  next(now: number): Push | undefined {
    const push = this.#view === undefined ? undefined : this.#next(now)
    if (push !== undefined) this.#observer?.pushed(push.type, push.resources.length)
    return push
  }

  #next(now: number): Push | undefined {
    if (this.#idle) {
      this.#waiting.clear()
      return undefined
    }
    for (const step of this.#order) {
      const push = this.#take(step, now)
      if (push !== undefined) return push
    }
    for (const subscription of this.#subscriptions.values()) {
      const push = subscription.takeAnswer(this.#limits.responseBytes)
      if (push !== undefined) return push
    }
    return undefined
  }

  /** When waiting ends for a step even without an answer, as in {@link next}; none while nothing waits. */
  get deadline(): number | undefined {
    const ends = [...this.#waiting].map(([step, since]) => since + (step.patience ?? 0))
    return ends.length === 0 ? undefined : Math.min(...ends)
  }

  /** What the client has refused and the mesh has not yet replaced or removed. */
  get refused(): readonly RefusedResource[] {
    // Asked after every push and ACK, and nearly always nothing.
    let refused = NOTHING_REFUSED
    for (const { delivery } of this.#subscriptions.values()) {
      if (delivery.refused.size > 0) refused = [...refused, ...delivery.refused.values()]
    }
    return refused
  }

  /** Whether the client has all that it subscribes to as it is published now. */
  get acknowledged(): boolean {
    if (this.#view === undefined) return false
    for (const { delivery } of this.#subscriptions.values()) if (delivery.behind.size > 0) return false
    return true
  }

  /** Whether the client has a version of a name, and which, as far as its answers tell. */
  has(type: string, name: string): string | undefined {
    return this.#subscriptions.get(type)?.delivery.has(name)
  }

  /** How the client stands with each type it subscribes to. */
  status(): readonly SubscriptionStatus[] {
    return [...this.#subscriptions.values()].map((subscription) => subscription.status())
  }

  /** The versions that the client is known to have of one type, by name. */
  known(type: string): ReadonlyMap<string, string> {
    return this.#subscriptions.get(type)?.known() ?? new Map()
  }

  #check(request: DeltaRequest): void {
    const { typeUrl, resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions } = request
    const versions = Object.entries(initialResourceVersions)
    checkCount(Math.max(resourceNamesSubscribe.length, resourceNamesUnsubscribe.length, versions.length), this.#limits)
    checkLengths([typeUrl], this.#limits)
    checkLengths(resourceNamesSubscribe, this.#limits)
    for (const version of versions) checkLengths(version, this.#limits)
    if (!this.#subscriptions.has(typeUrl) && this.#subscriptions.size >= this.#limits.types) {
      throw new StreamRefusal('RESOURCE_EXHAUSTED', `more than ${this.#limits.types} resource types on one stream`)
    }
    if (typeUrl === '') throw new StreamRefusal('INVALID_ARGUMENT', 'a request without type URL')
  }

  /** Names that are remembered because the client said them: those it wants, has, or waits to hear of. */
  #names(): number {
    let count = this.#versions
    for (const { names, delivery } of this.#subscriptions.values()) count += Math.max(names.size, delivery.answersDue)
    return count
  }

  #reason({ errorDetail }: DeltaRequest): string | undefined {
    return errorDetail?.message.slice(0, this.#limits.errorLength)
  }

  #noteStart(type: string): void {
    const kind = kindOf(type)
    if (kind === 'endpoint') this.#clustersPaused = !this.#asksFor('cluster')
    if (kind === 'cluster') this.#clustersPaused = false
  }

  #asksFor(kind: Kind): boolean {
    return [...this.#subscriptions.values()].some((subscription) => subscription.kind === kind)
  }

  /** Whether there is nothing to send, so that no step of the order has to be looked at. */
  get #idle(): boolean {
    for (const subscription of this.#subscriptions.values()) if (!subscription.idle) return false
    return true
  }

  #take(step: PushStep, now: number): Push | undefined {
    const due = this.#due(step)
    if (due.length === 0) this.#waiting.delete(step)
    for (const subscription of due) {
      if (subscription.delivery.inFlight || !this.#mayGo(step, now)) continue
      const push = subscription.take(step.changes, this.#limits.responseBytes)
      if (push === undefined) continue
      this.#waiting.delete(step)
      if (step.resend !== undefined) this.#resend(push)
      return push
    }
    return undefined
  }

  #due(step: PushStep): readonly Subscription[] {
    const due: Subscription[] = []
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.kind !== step.kind || (step.only === 'wildcard' && !subscription.wildcard)) continue
      if (step.changes.some((change) => subscription.delivery.isDue(change))) due.push(subscription)
    }
    return due
  }

  #mayGo(step: PushStep, now: number): boolean {
    const free = (step.after ?? []).every((wait) => this.#isOver(wait))
    if (free) {
      this.#waiting.delete(step)
      return true
    }
    const since = this.#waiting.get(step) ?? now
    this.#waiting.set(step, since)
    return now - since >= (step.patience ?? 0)
  }

  #isOver({ kind, until }: Wait): boolean {
    if (until === 'upserted' && this.#clustersPaused && !this.#listenersByName()) return false
    for (const { kind: own, delivery, wildcard } of this.#subscriptions.values()) {
      if (own !== kind) continue
      const unsent = delivery.isDue('upsert') || (until !== 'upserted' && delivery.isDue('remove'))
      if (until === 'added' && wildcard && delivery.additionDue) return false
      if (until === 'sent' && unsent) return false
      if (until === 'upserted' && (unsent || delivery.upsertsInFlight)) return false
      if (until === 'answered' && (unsent || delivery.inFlight)) return false
      if (until === 'warm' && !delivery.warm) return false
    }
    return true
  }

  /** Whether the client is none of Envoy's kind: gRPC asks for listeners by name, and in any order on a new stream. */
  #listenersByName(): boolean {
    return [...this.#subscriptions.values()].some(({ kind, wildcard }) => kind === 'listener' && !wildcard)
  }

  #resend(push: Push): void {
    const endpoints = this.#subscriptions.get(ENDPOINT)
    for (const { name } of push.resources) endpoints?.follow(name)
  }
}

const NOTHING_SEEN: View = []
const NOTHING_REFUSED: readonly RefusedResource[] = []
