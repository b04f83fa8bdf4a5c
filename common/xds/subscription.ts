import type { ResponsePolicy } from './blame.js'
import { Delivery, type Push } from './delivery.js'
import { type Change, type Kind, kindOf } from './order.js'
import type { Resource } from './resource.js'
import { findIn, ofType, type TypeView, type View, visibleNames } from './view.js'

/** How one client stands with one type, for people. */
export interface SubscriptionStatus {
  readonly type: string
  /** Existing resources that the client subscribes to. */
  readonly subscribed: number
  /** How many of these the client has acknowledged as published now. */
  readonly acknowledged: number
  readonly refused: number
}

/**
 * What one stream subscribes to of one type: names, or everything (*wildcard*), or both. A client that has everything
 * as published costs no more memory than the names it asked for.
 */
export class Subscription {
  readonly type: string
  readonly kind: Kind
  readonly delivery: Delivery
  readonly #names = new Set<string>()
  #wildcard = false
  readonly #view: () => View
  /** What a view has of the type, found out when that view is first asked. */
  #found: { readonly view: View; readonly layers: TypeView } | undefined
  /** The client waits for a response, even if there is nothing to tell. */
  #owesAnswer = false

  /** @param view what the client sees now */
  constructor(type: string, view: () => View, policy?: ResponsePolicy) {
    this.type = type
    this.kind = kindOf(type)
    this.#view = view
    this.delivery = new Delivery(type, (name) => this.#find(name), policy)
  }

  get wildcard(): boolean {
    return this.#wildcard
  }

  get names(): ReadonlySet<string> {
    return this.#names
  }

  /** Whether nothing is to be sent: no change, and no answer that the client waits for. */
  get idle(): boolean {
    return !this.#owesAnswer && this.delivery.idle
  }

  /**
   * Takes the first request of a stream for this type. Without names it subscribes to everything, as `*` does.
   *
   * @param versions what the client still has from another stream
   * @param again whether names are sent even if the client has them as published
   */
  start(subscribe: readonly string[], versions: ReadonlyMap<string, string>, again: boolean): void {
    for (const name of subscribe) {
      if (name === '*') continue
      this.#names.add(this.#shared(name))
      this.delivery.mark(name, versions.get(name), again || !versions.has(name))
    }
    if (subscribe.length === 0 || subscribe.includes('*')) this.#followAll(versions)
  }

  /** Subscribes to more. A name is sent even if the client should have it: it asks because it has forgotten it. */
  subscribe(subscribe: readonly string[]): void {
    for (const name of subscribe) {
      if (name === '*') {
        if (this.#wildcard) this.#owesAnswer = true
        else this.#followAll(NO_VERSIONS)
        continue
      }
      const has = this.#covers(name) ? this.delivery.has(name) : undefined
      this.#names.add(this.#shared(name))
      this.delivery.pardon(name)
      this.delivery.mark(name, has, true)
    }
  }

  /**
   * Subscribes to less. What a client no longer wants is not reported as removed, with one exception: a name that it
   * asked for beside `*` may still be meant by `*`, and the client waits to hear.
   */
  unsubscribe(unsubscribe: readonly string[]): void {
    for (const name of unsubscribe) {
      if (name === '*') this.#unfollowAll()
      else if (!this.#names.delete(name)) continue
      else if (this.#wildcard) this.delivery.mark(name, this.delivery.has(name), true)
      else this.delivery.forget(name)
    }
  }

  /**
   * Takes note that these names of the type may be other ones than in the view before.
   *
   * @returns whether the client subscribes to any of the names
   */
  publish(before: View, changed: Iterable<string>): boolean {
    let layers: TypeView | undefined
    for (const name of changed) {
      if (!this.#covers(name)) continue
      layers ??= ofType(before, this.type)
      this.delivery.changed(name, findIn(layers, name)?.version)
    }
    return layers !== undefined
  }

  /** Makes the next response with changes of these kinds, if there is one to make. */
  take(changes: readonly Change[], bytes: number): Push | undefined {
    const push = this.delivery.take(changes, bytes)
    if (push !== undefined) this.#owesAnswer = false
    return push
  }

  /** Makes the response that a client waits for: that names are nothing, or that there is nothing to tell. */
  takeAnswer(bytes: number): Push | undefined {
    const { delivery } = this
    const idle = !delivery.isDue('upsert') && !delivery.isDue('remove')
    const push = delivery.take(['answer'], bytes, this.#owesAnswer && idle)
    if (push !== undefined) this.#owesAnswer = false
    return push
  }

  /** Sends a name that is subscribed to by name once more, because something that it belongs to has been sent. */
  follow(name: string): void {
    if (this.#names.has(name)) this.delivery.follow(name)
  }

  /** What the client is known to have: version by name. Computed at each call. */
  known(): ReadonlyMap<string, string> {
    const known = new Map<string, string>()
    for (const name of new Set([...this.#wanted(), ...this.delivery.behind.keys()])) {
      const version = this.delivery.has(name)
      if (version !== undefined) known.set(name, version)
    }
    return known
  }

  /** Computed at each call. */
  status(): SubscriptionStatus {
    const wanted = [...this.#wanted()].filter((name) => this.#find(name) !== undefined)
    const acknowledged = wanted.filter((name) => !this.delivery.behind.has(name)).length
    return { type: this.type, subscribed: wanted.length, acknowledged, refused: this.delivery.refused.size }
  }

  #find(name: string): Resource | undefined {
    const view = this.#view()
    if (this.#found?.view !== view) this.#found = { view, layers: ofType(view, this.type) }
    return findIn(this.#found.layers, name)
  }

  #wanted(): ReadonlySet<string> {
    return this.#wildcard ? visibleNames(this.#view(), this.type) : this.#names
  }

  #covers(name: string): boolean {
    return this.#wildcard || this.#names.has(name)
  }

  /** The same text as the resource's own name, so that thousands of streams do not each keep theirs. */
  #shared(name: string): string {
    return this.#find(name)?.name ?? name
  }

  #followAll(versions: ReadonlyMap<string, string>): void {
    this.#wildcard = true
    this.#owesAnswer = true
    for (const name of new Set([...visibleNames(this.#view(), this.type), ...versions.keys()])) {
      if (!this.#names.has(name)) this.delivery.mark(name, versions.get(name), false)
    }
  }

  #unfollowAll(): void {
    this.#wildcard = false
    this.#owesAnswer = false
    for (const name of [...this.delivery.behind.keys()]) {
      if (!this.#names.has(name)) this.delivery.forget(name)
    }
  }
}

const NO_VERSIONS: ReadonlyMap<string, string> = new Map()
