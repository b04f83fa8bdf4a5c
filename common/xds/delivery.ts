import { ONE_BY_ONE, type ResponsePolicy, type Verdict } from './blame.js'
import type { Change } from './order.js'
import type { RefusedResource } from './refusal.js'
import type { Resource } from './resource.js'

/** What one response says of one type: which resources are as follows, and which names are nothing. */
export interface Push {
  readonly type: string
  readonly nonce: string
  readonly resources: readonly Resource[]
  readonly removed: readonly string[]
}

/**
 * How far one client is behind the published in one type, and the one response that it has not answered yet.
 *
 * Only differences are kept: a name that is not *behind* is at the client as published. The differences are sorted by
 * what is to be sent (*due*), and rendered only when they are taken: what changed twice since is sent once.
 */
export class Delivery {
  readonly #type: string
  readonly #find: (name: string) => Resource | undefined
  readonly #policy: ResponsePolicy
  readonly #behind = new Map<string, Behind>()
  readonly #due: Readonly<Record<Change, Set<string>>> = { upsert: new Set(), answer: new Set(), remove: new Set() }
  /** Names that were refused together with others and now travel one by one. */
  readonly #alone = new Set<string>()
  /** Names that are sent again because what they belong to was sent. */
  readonly #following = new Set<string>()
  readonly #refused = new Map<string, RefusedResource>()
  #sent: Sent | undefined
  #nonces = 0

  /** @param find what is published under a name now */
  constructor(type: string, find: (name: string) => Resource | undefined, policy: ResponsePolicy = ONE_BY_ONE) {
    this.#type = type
    this.#find = find
    this.#policy = policy
  }

  /** Records what the client has of a name (absent: nothing), and that it must be told once more if `again`. */
  mark(name: string, has: string | undefined, again: boolean): void {
    const behind = this.#behind.get(name)
    this.#behind.set(name, { has, again: again || behind?.again === true })
    this.#sort(name)
  }

  /** Takes note that something else is published under a name; `before` is the version that was. */
  changed(name: string, before: string | undefined): void {
    if (!this.#behind.has(name)) this.#behind.set(name, { has: before, again: false })
    this.#sort(name)
  }

  /** Sends a name once more, because something that it belongs to has been sent. */
  follow(name: string): void {
    this.mark(name, this.has(name), true)
    if (this.#due.upsert.has(name) || this.#due.answer.has(name)) this.#following.add(name)
  }

  /** Lets a refused resource be sent again, although it has not changed. */
  pardon(name: string): void {
    this.#refused.delete(name)
  }

  /** Drops what is known of a name, which the client no longer wants. */
  forget(name: string): void {
    this.#behind.delete(name)
    this.#sort(name)
  }

  /** The version that the client has; absent when it has nothing. */
  has(name: string): string | undefined {
    const behind = this.#behind.get(name)
    return behind === undefined ? this.#find(name)?.version : behind.has
  }

  /**
   * Makes the next response with changes of these kinds, none if there are none or one is unanswered.
   *
   * @param bytes bounds the response, unless its only resource is larger or the type is told as a whole
   * @param empty whether a response is made even if there is nothing to tell
   */
  take(changes: readonly Change[], bytes: number, empty = false): Push | undefined {
    if (this.#sent !== undefined) return undefined
    const chosen = this.#choose(changes, bytes)
    if (chosen.length === 0 && !empty) return undefined
    const nonce = String(++this.#nonces)
    const names = new Map<string, Pushed>()
    const resources: Resource[] = []
    const removed: string[] = []
    for (const { name, resource } of chosen) {
      const behind = this.#behind.get(name)
      names.set(name, { version: resource?.version, again: behind?.again === true })
      if (behind !== undefined) behind.again = false
      // What is sent is what is published, so nothing is due.
      this.#undue(name)
      if (resource === undefined) removed.push(name)
      else resources.push(resource)
    }
    this.#sent = { nonce, names, upserts: resources.length > 0 }
    return { type: this.#type, nonce, resources, removed }
  }

  /**
   * Takes an ACK, or a NACK with its reason, of which the policy makes a verdict about each name. What stands refused is
   * not sent again until it changes.
   *
   * @returns false when the nonce is not that of the response in flight: an answer that means nothing any more
   */
  answer(nonce: string, refusal: string | undefined): boolean {
    const sent = this.#sent
    if (sent === undefined || sent.nonce !== nonce) return false
    this.#sent = undefined
    const judge = refusal === undefined ? undefined : this.#policy.judge(refusal, new Set(sent.names.keys()))
    for (const [name, pushed] of sent.names) {
      const behind = this.#behind.get(name)
      if (behind === undefined) continue
      const verdict = judge?.(name) ?? 'accept'
      if (verdict === 'accept') this.#accept(name, behind, pushed)
      else if (verdict === 'again' || verdict === 'isolate') this.#sendAgain(name, behind, pushed, verdict)
      else this.#refuse(name, behind, pushed, refusal ?? '', verdict)
      this.#sort(name)
    }
    return true
  }

  /** Names in which the client is behind, refused ones included. */
  get behind(): ReadonlyMap<string, unknown> {
    return this.#behind
  }

  get refused(): ReadonlyMap<string, RefusedResource> {
    return this.#refused
  }

  /** Whether a response is unanswered. */
  get inFlight(): boolean {
    return this.#sent !== undefined
  }

  /** Whether the unanswered response carries resources, not only names. */
  get upsertsInFlight(): boolean {
    return this.#sent?.upserts === true
  }

  /** Whether names that follow something have all been answered. */
  get warm(): boolean {
    return this.#following.size === 0
  }

  /** Whether there is nothing to send, of whatever kind. */
  get idle(): boolean {
    const { upsert, answer, remove } = this.#due
    return upsert.size === 0 && answer.size === 0 && remove.size === 0
  }

  /** Whether there is a change of this kind to send. */
  isDue(change: Change): boolean {
    return this.#due[change].size > 0
  }

  /** Of how many names that are nothing the client waits to hear. */
  get answersDue(): number {
    return this.#due.answer.size
  }

  /** Whether there is a resource to send of which the client has no version at all, or will have none. */
  get additionDue(): boolean {
    for (const name of this.#due.upsert) {
      const sent = this.#sent?.names.get(name)
      if ((sent === undefined ? this.#behind.get(name)?.has : sent.version) === undefined) return true
    }
    return false
  }

  /** Finds out again what is to be sent about a name, after anything about it has changed. */
  #sort(name: string): void {
    this.#undue(name)
    const behind = this.#behind.get(name)
    if (behind === undefined) {
      this.#settle(name)
      return
    }
    const version = this.#find(name)?.version
    const sent = this.#sent?.names.get(name)
    if (!behind.again && version === (sent === undefined ? behind.has : sent.version)) {
      if (sent === undefined) this.#settle(name)
      return
    }
    const refused = this.#refused.get(name)?.version
    if (refused !== undefined && refused === (version ?? '')) {
      this.#following.delete(name)
      return
    }
    if (version === undefined) this.#refused.delete(name)
    this.#due[version !== undefined ? 'upsert' : behind.again ? 'answer' : 'remove'].add(name)
  }

  #undue(name: string): void {
    this.#due.upsert.delete(name)
    this.#due.answer.delete(name)
    this.#due.remove.delete(name)
  }

  #settle(name: string): void {
    this.#behind.delete(name)
    this.#alone.delete(name)
    this.#following.delete(name)
    this.#refused.delete(name)
  }

  #choose(changes: readonly Change[], bytes: number): readonly Chosen[] {
    const alone = this.#alone.size === 0 ? undefined : this.#nextAlone(changes)
    if (alone !== undefined && this.#policy.isolated === 'first') return [alone]
    const together = this.#chooseTogether(changes, this.#policy.whole ? Number.POSITIVE_INFINITY : bytes)
    return together.length === 0 && alone !== undefined ? [alone] : together
  }

  #nextAlone(changes: readonly Change[]): Chosen | undefined {
    const name = [...this.#alone].find((one) => changes.some((change) => this.#due[change].has(one)))
    return name === undefined ? undefined : { name, resource: this.#find(name) }
  }

  #chooseTogether(changes: readonly Change[], bytes: number): readonly Chosen[] {
    const chosen: Chosen[] = []
    let size = 0
    for (const change of changes) {
      for (const name of this.#due[change]) {
        if (this.#alone.has(name)) continue
        const resource = this.#find(name)
        size += FRAME_BYTES + 3 * name.length + (resource?.bytes.length ?? 0)
        if (size > bytes && chosen.length > 0) return chosen
        chosen.push({ name, resource })
      }
    }
    return chosen
  }

  #accept(name: string, behind: Behind, pushed: Pushed): void {
    behind.has = pushed.version
    this.#refused.delete(name)
    this.#alone.delete(name)
    if (!behind.again) this.#following.delete(name)
  }

  #sendAgain(name: string, behind: Behind, pushed: Pushed, verdict: Verdict): void {
    behind.again ||= pushed.again
    if (verdict === 'isolate') this.#alone.add(name)
  }

  #refuse(name: string, behind: Behind, pushed: Pushed, error: string, verdict: Verdict): void {
    if (verdict === 'refuse-other') behind.has ??= UNKNOWN_VERSION
    this.#refused.set(name, { type: this.#type, name, version: pushed.version ?? '', error })
    this.#alone.delete(name)
    if (!behind.again) this.#following.delete(name)
  }
}

/** A name that the client does not have as published, or has to be told of once more. */
interface Behind {
  /** The version that the client has; absent when it has nothing. */
  has: string | undefined
  /** To be sent even if it is what the client has. */
  again: boolean
}

/** A name that goes into the next response, with what is published under it. */
interface Chosen {
  readonly name: string
  readonly resource: Resource | undefined
}

/** One name of a response: the version that was sent, absent for a removal, and whether it was sent regardless. */
interface Pushed {
  readonly version: string | undefined
  readonly again: boolean
}

interface Sent {
  readonly nonce: string
  readonly names: Map<string, Pushed>
  readonly upserts: boolean
}

/** Of a resource that a client has from before its stream; no resource has this version. */
const UNKNOWN_VERSION = ''

/** An upper bound of what the framing, type and version of one resource cost on the wire. */
const FRAME_BYTES = 200
