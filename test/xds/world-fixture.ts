import type { DeltaStreamOptions } from '../../common/xds/delta-stream.js'
import type { Publication, Resource } from '../../common/xds/resource.js'
import type { WorldPush } from '../../common/xds/whole-list.js'
import { WorldStream } from '../../common/xds/world-stream.js'
import { StreamFixture, shortType } from './stream-fixture.js'

/** One state-of-the-world request, as short as tests want it. */
export interface TestWorldRequest {
  readonly names?: readonly string[]
  /** The version that the client accepted last; empty: none. */
  readonly version?: string
  readonly nonce?: string
  readonly error?: string
}

/** A state-of-the-world stream together with what a server does to tell it of publications. */
export class WorldFixture {
  readonly stream: WorldStream
  now = 0
  readonly #published: StreamFixture
  readonly #names = new Map<string, readonly string[]>()

  constructor(options: DeltaStreamOptions = {}) {
    this.stream = new WorldStream(options)
    this.#published = new StreamFixture(options, this.stream.delta)
  }

  publish(next: Publication | readonly Resource[]): this {
    this.#published.publish(next)
    return this
  }

  /** Sends a request; the names are those of the last one unless given. */
  request(typeUrl: string, { names, version = '', nonce = '', error }: TestWorldRequest = {}): this {
    const resourceNames = [...(names ?? this.#names.get(typeUrl) ?? [])]
    this.#names.set(typeUrl, resourceNames)
    const errorDetail = error === undefined ? undefined : ({ code: 13, message: error } as never)
    this.stream.receive({ typeUrl, resourceNames, versionInfo: version, responseNonce: nonce, errorDetail })
    return this
  }

  pushes(): readonly WorldPush[] {
    const pushes: WorldPush[] = []
    for (let push = this.stream.next(this.now); push !== undefined; push = this.stream.next(this.now)) pushes.push(push)
    return pushes
  }

  /** All responses that the stream has to send now, in words: `cluster a@1 b@1`. */
  sent(): readonly string[] {
    return this.pushes().map(describeWorldPush)
  }

  /** Answers what is sent, until there is nothing more to say; `refusal` tells what is wrong with a response, if anything is. */
  settle(refusal: (push: WorldPush) => string | undefined = () => undefined): readonly string[] {
    const told: string[] = []
    for (let pushes = this.pushes(); pushes.length > 0; pushes = this.pushes()) {
      for (const push of pushes) {
        told.push(describeWorldPush(push))
        const error = refusal(push)
        this.request(push.type, { nonce: push.nonce, version: push.version, ...(error === undefined ? {} : { error }) })
      }
    }
    return told
  }
}

/** A response in words; what stands for nothing has no version. */
export function describeWorldPush({ type, resources }: WorldPush): string {
  const list = resources.map(({ name, version }) => (version === '' ? `${name}@nothing` : `${name}@${version}`))
  return [shortType(type), ...list].join(' ')
}
