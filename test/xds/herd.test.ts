import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Latest } from '../../common/latest.js'
import type { Clock } from '../../common/xds/clock.js'
import type { ServedStream } from '../../common/xds/served-stream.js'
import { XdsServer } from '../../common/xds/server.js'
import { CLUSTER } from '../../common/xds/types.js'
import { decodeResponse, encodeRequest } from '../../common/xds/wire.js'
import { publish, testResource } from './mesh-model.js'

const HERD = Array.from({ length: 500 }, (_, index) => `host-${index}`)
const LIMIT = 8

describe('five hundred streams that begin at once', () => {
  it('are answered by turns in the order in which they came, never more than the limit at once', async () => {
    const lab = new Herd()
    for (const host of HERD) lab.join(host)
    let most = 0
    while (lab.answered.length < HERD.length) {
      await turn()
      most = Math.max(most, lab.unacknowledged.length)
      ok(lab.unacknowledged.length > 0, `nobody has a turn after ${lab.answered.length}`)
      for (const host of lab.unacknowledged) lab.acknowledge(host)
    }
    equal(most, LIMIT)
    deepEqual(lab.answered, HERD)
  })

  it('keep no change from a stream that was there before', async () => {
    const lab = new Herd()
    lab.join('old')
    lab.acknowledge('old')
    for (const host of HERD) lab.join(host)
    lab.publish('2')
    await turn()
    deepEqual(lab.sentTo('old'), ['a@1', 'a@2'])
    equal(lab.answered.length, 1 + LIMIT)
  })

  it('are given the newest when their turn comes, and not what was published while they waited', async () => {
    const lab = new Herd()
    for (const host of HERD) lab.join(host)
    for (const version of ['2', '3', '4']) lab.publish(version)
    await turn()
    for (const host of [...lab.unacknowledged, ...lab.unacknowledged]) lab.acknowledge(host)
    await turn()
    deepEqual(lab.sentTo(HERD[0] ?? ''), ['a@1', 'a@4'])
    deepEqual(lab.sentTo(HERD[LIMIT] ?? ''), ['a@4'])
  })

  it('do not wait for ever for those that do not answer, or that go', async () => {
    const lab = new Herd()
    for (const host of HERD) lab.join(host)
    await turn()
    equal(lab.answered.length, LIMIT)
    lab.leave(HERD[0] ?? '')
    await turn()
    equal(lab.answered.length, LIMIT + 1)
    lab.letTimePass()
    await turn()
    equal(lab.answered.length, 2 * LIMIT + 1)
  })
})

/** A server with many streams over transports that only note what is written. */
class Herd {
  /** Hosts in the order in which they were first answered. */
  readonly answered: string[] = []
  readonly #publication = new Latest(publish([testResource(CLUSTER, 'a', '1')], [...HERD, 'old']))
  readonly #timers = new Set<() => void>()
  readonly #server: XdsServer<undefined>
  readonly #streams = new Map<
    string,
    { stream: ServedStream<undefined>; sent: string[]; nonce: string; open: boolean }
  >()

  constructor() {
    const clock: Clock = {
      now: () => 0,
      after: (_, callback) => {
        this.#timers.add(callback)
        return () => this.#timers.delete(callback)
      },
    }
    const identify = (node: { readonly id: string } | undefined) => node?.id ?? ''
    this.#server = new XdsServer(this.#publication, { identify, clock, firstAnswers: LIMIT })
  }

  /** Hosts that have been sent something and have not answered. */
  get unacknowledged(): readonly string[] {
    return [...this.#streams].filter(([, { nonce, open }]) => nonce !== '' && open).map(([host]) => host)
  }

  join(host: string): void {
    const call = {
      peer: undefined,
      writable: true,
      write: (message: Uint8Array) => this.#written(host, message),
      end: () => undefined,
    }
    this.#streams.set(host, { stream: this.#server.serve(call), sent: [], nonce: '', open: true })
    this.#streams.get(host)?.stream.receive(encodeRequest({ node: { id: host }, typeUrl: CLUSTER }))
  }

  acknowledge(host: string): void {
    const known = this.#streams.get(host)
    if (known === undefined) throw new Error(`${host} is not there`)
    const responseNonce = known.nonce
    known.nonce = ''
    known.stream.receive(encodeRequest({ typeUrl: CLUSTER, responseNonce }))
  }

  leave(host: string): void {
    const known = this.#streams.get(host)
    if (known === undefined) throw new Error(`${host} is not there`)
    known.open = false
    known.stream.closed()
  }

  publish(version: string): void {
    this.#publication.set(publish([testResource(CLUSTER, 'a', version)], [...HERD, 'old']))
  }

  sentTo(host: string): readonly string[] {
    return this.#streams.get(host)?.sent ?? []
  }

  letTimePass(): void {
    for (const callback of [...this.#timers]) {
      this.#timers.delete(callback)
      callback()
    }
  }

  #written(host: string, message: Uint8Array): void {
    const known = this.#streams.get(host)
    if (known === undefined) throw new Error(`${host} is not there`)
    if (known.sent.length === 0) this.answered.push(host)
    const { resources, nonce } = decodeResponse(message)
    known.sent.push(...resources.map(({ name, version }) => `${name}@${version}`))
    known.nonce = nonce
  }
}

/** Lets the event loop do what it has to do, in two turns of it. */
async function turn(): Promise<void> {
  for (let index = 0; index < 2; index++) await new Promise((resolve) => setImmediate(resolve))
}
