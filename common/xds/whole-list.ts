import { namesIn, type ResponsePolicy, type Verdict } from './blame.js'
import type { Push } from './delivery.js'
import type { Resource } from './resource.js'

/** One response: the whole list of listeners or clusters, or some resources of another type. */
export interface WorldPush {
  readonly type: string
  readonly nonce: string
  /** Made from what the response carries: equal lists have equal versions, over streams and replicas. */
  readonly version: string
  readonly resources: readonly Resource[]
  /** How many of the resources are new to the client. */
  readonly news: number
}

/**
 * What one client of a state-of-the-world stream has of a type whose responses repeat everything: each response is what
 * the client has, with the changes of one push. So what is not to be told yet (a removal that has to wait, a version
 * that was refused) stands in the list as the client has it.
 */
export class WholeList {
  /** What the client has accepted. */
  readonly #held = new Map<string, Resource>()
  /** Refused, but not to be left out: the client may have another version, from before this stream. */
  readonly #stuck = new Map<string, Resource>()
  readonly #cameWithNothing: boolean
  #pushed: Push | undefined

  /** @param cameWithNothing whether the client had no version of the type when it began the stream */
  constructor(cameWithNothing: boolean) {
    this.#cameWithNothing = cameWithNothing
  }

  /**
   * How the engine treats refusals of such responses. Envoy and gRPC use the good resources of a list, name the faulty
   * ones, and take what is left out for removed. So only what they name is suspected, and held back while the others
   * are sent again; then each suspect goes alone, so that a name that was only mentioned is not blamed for ever.
   */
  readonly policy: ResponsePolicy = {
    whole: true,
    isolated: 'last',
    judge: (refusal, names) => {
      const named = namesIn(refusal, [...names, ...this.#stuck.keys()])
      const suspects = named.size === 0 ? names : named
      const anySuspect = [...names].some((name) => suspects.has(name))
      return (name) => this.#judge(name, suspects.has(name), anySuspect, names.size)
    },
  }

  /** The response that tells a push: sorted by name, so that equal states are equal bytes. */
  tell(push: Push): readonly Resource[] {
    this.#pushed = push
    const list = new Map([...this.#held, ...this.#stuck])
    for (const name of push.removed) list.delete(name)
    for (const resource of push.resources) list.set(resource.name, resource)
    return [...list.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Takes note of what the client has after its answer. @param has the version of a name that the client has now */
  answered(nonce: string, has: (name: string) => string | undefined): void {
    const pushed = this.#pushed
    if (pushed === undefined || pushed.nonce !== nonce) return
    this.#pushed = undefined
    for (const resource of pushed.resources) {
      if (has(resource.name) !== resource.version) continue
      this.#held.set(resource.name, resource)
      this.#stuck.delete(resource.name)
    }
    for (const name of pushed.removed) if (has(name) === undefined) this.#drop(name)
  }

  /** Forgets all but what the client still asks for. */
  keep(wanted: (name: string) => boolean): void {
    for (const name of [...this.#held.keys(), ...this.#stuck.keys()]) if (!wanted(name)) this.#drop(name)
  }

  #judge(name: string, suspect: boolean, anySuspect: boolean, count: number): Verdict {
    if (!suspect) return anySuspect ? 'again' : 'accept'
    const canWait = this.#held.has(name) || this.#cameWithNothing
    if (count > 1 && canWait) return 'isolate'
    const resource = this.#pushed?.resources.find((one) => one.name === name)
    if (canWait || resource === undefined) return 'refuse'
    this.#stuck.set(name, resource)
    return 'refuse-other'
  }

  #drop(name: string): void {
    this.#held.delete(name)
    this.#stuck.delete(name)
  }
}
