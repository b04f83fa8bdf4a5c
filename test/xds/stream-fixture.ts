import type { Push } from '../../common/xds/delivery.js'
import { DeltaStream, type DeltaStreamOptions } from '../../common/xds/delta-stream.js'
import type { Publication, Resource } from '../../common/xds/resource.js'
import { allNames, changedLayers, mergeNames, viewOf } from '../../common/xds/view.js'
import { publish } from './mesh-model.js'

/** One request, as short as tests want it. */
export interface TestRequest {
  readonly subscribe?: readonly string[]
  readonly unsubscribe?: readonly string[]
  readonly versions?: Readonly<Record<string, string>>
  readonly nonce?: string
  readonly error?: string
}

/** A stream together with what a server does to tell it of publications; the clock stands still unless set. */
export class StreamFixture {
  readonly delta: DeltaStream
  now = 0
  #publication: Publication | undefined

  /** @param delta the stream, where it is not a new one */
  constructor(options: DeltaStreamOptions = {}, delta = new DeltaStream(options)) {
    this.delta = delta
  }

  /** Publishes these resources, or a whole publication, for the client `client`. */
  publish(next: Publication | readonly Resource[]): this {
    const publication = 'layers' in next ? next : publish(next)
    const before = this.#publication
    this.#publication = publication
    const layers = publication.clients.get('client') ?? []
    const view = viewOf(publication, layers)
    if (before === undefined) this.delta.publish(view, allNames([], view))
    else {
      const changed = changedLayers(before, publication)
      this.delta.publish(view, mergeNames(layers.flatMap((layer) => changed.get(layer) ?? [])))
    }
    return this
  }

  request(
    typeUrl: string,
    { subscribe = [], unsubscribe = [], versions = {}, nonce = '', error }: TestRequest = {},
  ): this {
    this.delta.receive({
      typeUrl,
      resourceNamesSubscribe: [...subscribe],
      resourceNamesUnsubscribe: [...unsubscribe],
      initialResourceVersions: { ...versions },
      responseNonce: nonce,
      errorDetail: error === undefined ? undefined : ({ code: 13, message: error } as never),
    })
    return this
  }

  /** All responses that the stream has to send now. */
  pushes(): readonly Push[] {
    const pushes: Push[] = []
    for (let push = this.delta.next(this.now); push !== undefined; push = this.delta.next(this.now)) pushes.push(push)
    return pushes
  }

  /** The same in words: `cluster +a@1 +b@1 -c`. */
  sent(): readonly string[] {
    return this.pushes().map(describePush)
  }

  /** Sends all there is, acknowledging everything, until the stream has nothing more to say. */
  settle(): readonly string[] {
    const told: string[] = []
    for (let pushes = this.pushes(); pushes.length > 0; pushes = this.pushes()) {
      for (const push of pushes) {
        told.push(describePush(push))
        this.request(push.type, { nonce: push.nonce })
      }
    }
    return told
  }
}

/** A response in words. */
export function describePush({ type, resources, removed }: Push): string {
  const upserts = resources.map(({ name, version }) => `+${name}@${version}`)
  return [shortType(type), ...upserts, ...removed.map((name) => `-${name}`)].join(' ')
}

/** A type in one word. */
export function shortType(type: string): string {
  const message = type.slice(type.lastIndexOf('.') + 1)
  return message.replace('ClusterLoadAssignment', 'endpoint').replace('RouteConfiguration', 'route').toLowerCase()
}
