import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Publication } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { findResource, type View, viewOf, visibleNames } from '../../common/xds/view.js'
import type { WorldPush } from '../../common/xds/whole-list.js'
import { randomPublication, seededRandom } from './mesh-model.js'
import { ModelWorldEnvoy } from './model-world-envoy.js'
import { WorldFixture } from './world-fixture.js'

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1)
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE]

describe('over random changes, refusals and reconnections of a state-of-the-world stream', () => {
  it('an Envoy ends with what is published, warm, and never routes to a cluster that it does not have', () => {
    for (const seed of SEEDS) {
      const { envoy, view } = new Run(seed, 0).play()
      equal(envoy.warming.size, 0, `seed ${seed}: nothing may be left warming`)
      for (const type of TYPES) deepEqual(versions(envoy, type), subscribed(envoy, view, type), `seed ${seed}: ${type}`)
    }
  })

  it('an Envoy that refuses faulty resources uses all others, and exactly the faulty ones stand refused', () => {
    for (const seed of SEEDS) {
      const run = new Run(seed, 0.2).play()
      const { envoy, view, stream } = run
      equal(envoy.warming.size, 0, `seed ${seed}: nothing may be left warming`)
      const entries = TYPES.flatMap((type) =>
        Object.entries(subscribed(envoy, view, type)).map(([name, version]) => ({ type, name, version })),
      )
      const faulty = entries.filter(({ version }) => version.startsWith('bad'))
      const refused = stream.stream.delta.refused.map(({ type, name, version }) => `${type} ${name} ${version}`)
      const wanted = faulty.map(({ type, name, version }) => `${type} ${name} ${version}`)
      deepEqual(refused.toSorted(), wanted.toSorted(), `seed ${seed}`)
      for (const { type, name, version } of entries) {
        if (version.startsWith('bad')) continue
        equal(envoy.store.get(type)?.get(name)?.version, version, `seed ${seed}: ${type} ${name}`)
      }
    }
  })
})

/** One random sequence of publications, requests and answers between one Envoy and its streams. */
class Run {
  readonly envoy = new ModelWorldEnvoy()
  stream: WorldFixture
  readonly #random: () => number
  readonly #faulty: number
  readonly #unanswered = new Map<string, string>()
  #publication: Publication
  /** Whether the stream knows by now what its client has: the first list leaves out what only an earlier stream knew. */
  #known = false

  constructor(seed: number, faulty: number) {
    this.#random = seededRandom(seed)
    this.#faulty = faulty
    this.stream = this.#open()
    this.#publication = this.#next(undefined)
    this.#reconnect()
  }

  get view(): View {
    return viewOf(this.#publication, this.#publication.clients.get('client') ?? [])
  }

  /** Plays 120 random steps and then lets everything settle. The clock stands still unless a fetch has to time out. */
  play(): this {
    for (let step = 0; step < 120; step++) {
      const dice = this.#random()
      if (dice < 0.12) this.#publish()
      else if (dice < 0.14) this.#reconnect()
      else if (dice < 0.6) this.#send()
      else this.#step()
    }
    this.#drain()
    while (this.#faulty > 0 && this.envoy.warming.size > 0) {
      this.envoy.waitForFetchTimeout(this.stream)
      this.#drain()
    }
    ok(this.stream.stream.delta.acknowledged || this.stream.stream.delta.refused.length > 0)
    return this
  }

  /** A stream of which it is noted which responses are unanswered. */
  #open(): WorldFixture {
    const fixture = new WorldFixture()
    const receive = fixture.stream.receive.bind(fixture.stream)
    fixture.stream.receive = (request) => {
      if (request.responseNonce === this.#unanswered.get(request.typeUrl)) this.#unanswered.delete(request.typeUrl)
      receive(request)
    }
    return fixture
  }

  #drain(): void {
    for (;;) if (this.#send() === undefined && !this.#step()) return
  }

  #reconnect(): void {
    this.#unanswered.clear()
    this.#known = false
    this.stream = this.#open()
    if (this.#random() < 0.5) this.stream.publish(this.#publication)
    this.envoy.connect(this.stream)
    this.stream.publish(this.#publication)
  }

  #next(before: Publication | undefined): Publication {
    return randomPublication({ random: this.#random, faulty: this.#faulty }, before)
  }

  #publish(): void {
    this.#publication = this.#next(this.#publication)
    this.stream.publish(this.#publication)
  }

  #send(): WorldPush | undefined {
    const push = this.stream.stream.next(0)
    if (push === undefined) return undefined
    ok(!this.#unanswered.has(push.type), `two responses of ${push.type} in flight`)
    this.#unanswered.set(push.type, push.nonce)
    this.envoy.deliver(push)
    return push
  }

  #step(): boolean {
    const stepped = this.envoy.step(this.stream)
    this.#known ||= this.stream.stream.delta.acknowledged
    if (this.#faulty === 0 && this.#known) this.envoy.checkReferences()
    return stepped
  }
}

/** What is published of what an Envoy has asked for; of endpoints and routes that are not, an empty one. */
function subscribed(envoy: ModelWorldEnvoy, view: View, type: string): Record<string, string> {
  const whole = type === CLUSTER || type === LISTENER
  const names = whole ? visibleNames(view, type) : type === ENDPOINT ? envoy.endpointNames() : envoy.routeNames()
  return Object.fromEntries([...names].toSorted().map((name) => [name, findResource(view, type, name)?.version ?? '']))
}

function versions(envoy: ModelWorldEnvoy, type: string): Record<string, string> {
  const entries = [...(envoy.store.get(type) ?? [])].map(([name, { version }]) => [name, version] as const)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
