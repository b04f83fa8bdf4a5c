import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Push } from '../../common/xds/delivery.js'
import type { DeltaStreamOptions } from '../../common/xds/delta-stream.js'
import { STREAM_LIMITS } from '../../common/xds/limits.js'
import type { Publication } from '../../common/xds/resource.js'
import { CLUSTER, ENDPOINT, LISTENER, ROUTE } from '../../common/xds/types.js'
import { findResource, type View, viewOf, visibleNames } from '../../common/xds/view.js'
import { randomPublication, seededRandom } from './mesh-model.js'
import { type ModelClient, ModelEnvoy, ModelRelay } from './model-client.js'
import { StreamFixture } from './stream-fixture.js'

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1)
const TYPES = [CLUSTER, ENDPOINT, LISTENER, ROUTE]
const PIECES: DeltaStreamOptions = { limits: { ...STREAM_LIMITS, responseBytes: 900 } }

describe('over random changes, refusals and reconnections', () => {
  it('a relay ends with what is published, and never has what refers to nothing', () => {
    for (const seed of SEEDS) {
      const { client, view } = new Run(seed, new ModelRelay(), 0, seed % 2 === 0 ? {} : PIECES).play()
      for (const type of TYPES) deepEqual(versions(client.store.get(type)), visible(view, type), `seed ${seed}`)
    }
  })

  it('an Envoy ends with what is published, warm, and never routes to a cluster that it does not have', () => {
    for (const seed of SEEDS) {
      const envoy = new ModelEnvoy()
      const { view } = new Run(seed, envoy, 0, seed % 2 === 0 ? {} : PIECES).play()
      equal(envoy.warming.size, 0, `seed ${seed}: nothing may be left warming`)
      for (const type of TYPES)
        deepEqual(versions(envoy.store.get(type)), subscribed(envoy, view, type), `seed ${seed}`)
    }
  })

  it('an Envoy that refuses faulty resources uses all others, and exactly the faulty ones stand refused', () => {
    for (const seed of SEEDS) {
      const envoy = new ModelEnvoy()
      const run = new Run(seed, envoy, 0.2).play()
      const { view, stream } = run
      const noEndpoints = () =>
        new Set(stream.delta.refused.flatMap(({ type, name }) => (type === ENDPOINT ? name : [])))
      while (envoy.warming.size > 0) {
        for (const name of envoy.warming.keys()) ok(noEndpoints().has(name), `seed ${seed}: ${name} is left warming`)
        envoy.waitForFetchTimeout()
        run.drain()
      }
      const refused = stream.delta.refused.map(({ type, name, version }) => `${type} ${name} ${version}`)
      const faulty = TYPES.flatMap((type) => {
        const bad = Object.entries(subscribed(envoy, view, type)).filter(([, version]) => version.startsWith('bad'))
        return bad.map(([name, version]) => `${type} ${name} ${version}`)
      })
      deepEqual(refused.toSorted(), faulty.toSorted(), `seed ${seed}`)
      for (const { name, error } of stream.delta.refused) equal(error, `refused ${name}`)
      for (const type of TYPES) {
        const good = Object.entries(subscribed(envoy, view, type)).filter(([, version]) => !version.startsWith('bad'))
        for (const [name, version] of good) equal(envoy.store.get(type)?.get(name)?.version, version, `seed ${seed}`)
      }
    }
  })

  it('a client that comes back to an unchanged publication is sent no resource', () => {
    for (const seed of SEEDS) {
      for (const client of [new ModelRelay(), new ModelEnvoy()]) {
        const run = new Run(seed, client, 0).play()
        run.reconnect()
        const pushes = run.drain()
        deepEqual([...new Set(pushes.flatMap(({ resources }) => resources))], [], `seed ${seed}`)
        deepEqual([...new Set(pushes.flatMap(({ removed }) => removed))], [], `seed ${seed}`)
      }
    }
  })
})

/** One random sequence of publications, requests and answers between one client and its streams. */
class Run<Client extends ModelClient> {
  readonly client: Client
  stream: StreamFixture
  readonly #random: () => number
  readonly #faulty: number
  readonly #options: DeltaStreamOptions
  readonly #unanswered = new Map<string, string>()
  #publication: Publication

  constructor(seed: number, client: Client, faulty: number, options: DeltaStreamOptions = {}) {
    this.client = client
    this.#random = seededRandom(seed)
    this.#faulty = faulty
    this.#options = options
    this.stream = this.#open()
    this.#publication = this.#next(undefined)
    this.reconnect()
  }

  get view(): View {
    return viewOf(this.#publication, this.#publication.clients.get('client') ?? [])
  }

  /** Plays 120 random steps and then lets everything settle. The clock stands still: nothing may need it. */
  play(): this {
    for (let step = 0; step < 120; step++) {
      const dice = this.#random()
      if (dice < 0.12) this.#publish()
      else if (dice < 0.14) this.reconnect()
      else if (dice < 0.6) this.#send()
      else this.#step()
    }
    this.drain()
    ok(this.stream.delta.acknowledged || this.stream.delta.refused.length > 0)
    return this
  }

  reconnect(): void {
    this.#unanswered.clear()
    this.stream = this.#open()
    if (this.#random() < 0.5) this.stream.publish(this.#publication)
    this.client.connect(this.stream)
    this.stream.publish(this.#publication)
  }

  /** Lets client and stream talk until neither has anything to say; returns what was sent. */
  drain(): readonly Push[] {
    const sent: Push[] = []
    for (;;) {
      const push = this.#send()
      if (push !== undefined) sent.push(push)
      else if (!this.#step()) return sent
    }
  }

  /** A stream of which it is noted which responses are unanswered. */
  #open(): StreamFixture {
    const stream = new StreamFixture(this.#options)
    const receive = stream.delta.receive.bind(stream.delta)
    stream.delta.receive = (request) => {
      if (request.responseNonce === this.#unanswered.get(request.typeUrl)) this.#unanswered.delete(request.typeUrl)
      receive(request)
    }
    return stream
  }

  #next(before: Publication | undefined): Publication {
    return randomPublication({ random: this.#random, faulty: this.#faulty }, before)
  }

  #publish(): void {
    this.#publication = this.#next(this.#publication)
    this.stream.publish(this.#publication)
  }

  #send(): Push | undefined {
    const push = this.stream.delta.next(0)
    if (push === undefined) {
      if (this.client instanceof ModelEnvoy && !this.#unanswered.has(CLUSTER)) this.#checkNoClusterWaits()
      return undefined
    }
    ok(!this.#unanswered.has(push.type), `two responses of ${push.type} in flight`)
    this.#unanswered.set(push.type, push.nonce)
    this.client.deliver(push)
    return push
  }

  #step(): boolean {
    const stepped = this.client.step(this.stream)
    if (this.#faulty === 0) this.client.checkReferences()
    return stepped
  }

  /** Nothing may hold up a cluster but an unanswered response of its own type. */
  #checkNoClusterWaits(): void {
    const known = this.stream.delta.known(CLUSTER)
    const refused = new Set(this.stream.delta.refused.map(({ name }) => name))
    if (this.stream.delta.status().every(({ type }) => type !== CLUSTER)) return
    for (const [name, version] of Object.entries(visible(this.view, CLUSTER))) {
      ok(known.get(name) === version || refused.has(name), `cluster ${name} waits`)
    }
  }
}

function visible(view: View, type: string): Record<string, string> {
  const names = [...visibleNames(view, type)].toSorted()
  return Object.fromEntries(names.map((name) => [name, findResource(view, type, name)?.version ?? '']))
}

/** What is published of what an Envoy has asked for. */
function subscribed(envoy: ModelEnvoy, view: View, type: string): Record<string, string> {
  const all = Object.entries(visible(view, type))
  if (type === CLUSTER || type === LISTENER) return Object.fromEntries(all)
  const names = type === ENDPOINT ? envoy.endpointNames() : envoy.routeNames()
  return Object.fromEntries(all.filter(([name]) => names.has(name)))
}

function versions(resources: ReadonlyMap<string, { readonly version: string }> | undefined): Record<string, string> {
  const entries = [...(resources ?? [])].map(([name, { version }]) => [name, version] as const)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
