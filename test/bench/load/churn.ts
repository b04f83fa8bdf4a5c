import { fromBinary } from '@bufbuild/protobuf'
import { ClusterLoadAssignmentSchema } from '../../../common/proto/envoy/config/endpoint/v3/endpoint_pb.js'
import { ENDPOINT } from '../../../common/xds/types.js'
import { NAMES } from './expected.js'
import type { Herd } from './herd.js'
import type { LightClient } from './light-client.js'

/** Reports at a steady rate, each of which gives one endpoint a weight that tells which report it was. */
export interface ChurnPlan {
  readonly host: string
  /** The cluster whose endpoints change, and the address of the one that does. */
  readonly name: string
  readonly address: string
  readonly messages: readonly Uint8Array[]
  /** Milliseconds between two reports. */
  readonly everyMs: number
}

/** Weights go round after so many reports, because there are no higher ones. */
export const WEIGHTS = 9_000

/** The weight that report number `n` (from 0) gives the endpoint. */
export function weightOf(report: number): number {
  return 1 + (report % WEIGHTS)
}

/**
 * Follows reports to the clients. Reports may be pushed together: one has reached a client when the client has
 * acknowledged endpoints made from it or from a later one.
 */
export class Churn {
  readonly #herd: Herd
  readonly #plan: ChurnPlan
  readonly #send: (host: string, message: Uint8Array) => void
  readonly #name: number
  /** By number of a version of the endpoints: the weight in it. */
  readonly #weightIn = new Map<number, number>()
  /** The newest report at each client; -1: none yet. */
  readonly #newest = new Map<LightClient, number>()
  readonly #sentAt: number[] = []
  readonly #missing: number[] = []
  readonly #latencies: number[] = []

  constructor(herd: Herd, plan: ChurnPlan, send: (host: string, message: Uint8Array) => void) {
    this.#herd = herd
    this.#plan = plan
    this.#send = send
    this.#name = NAMES.of(plan.name)
  }

  /** @returns for each report the milliseconds until the last client had it */
  async run(): Promise<readonly number[]> {
    const { messages, host, everyMs } = this.#plan
    const concerned = this.#herd.clients.filter(({ plan, behaviour }) => plan.concerned && behaviour === 'honest')
    for (const client of concerned) this.#newest.set(client, -1)
    this.#herd.watcher = {
      first: (type, name, version, message) => this.#learn(type, name, version, message),
      acknowledged: (client) => this.#acknowledged(client),
    }
    const begun = performance.now()
    for (const [index, message] of messages.entries()) {
      const wait = begun + index * everyMs - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      this.#sentAt[index] = performance.now()
      this.#missing[index] = concerned.length
      this.#send(host, message)
    }
    const whole = await this.#all(messages.length)
    this.#herd.watcher = {}
    if (!whole) throw new Error(`${this.#latencies.length} of ${messages.length} reports reached all clients`)
    return this.#latencies
  }

  #learn(type: string, name: string, version: number, message: Uint8Array): void {
    if (type !== ENDPOINT || name !== this.#plan.name) return
    const { endpoints } = fromBinary(ClusterLoadAssignmentSchema, message)
    for (const { hostIdentifier, loadBalancingWeight } of endpoints.flatMap(({ lbEndpoints }) => lbEndpoints)) {
      if (hostIdentifier.case !== 'endpoint' || loadBalancingWeight === undefined) continue
      const { address } = hostIdentifier.value.address ?? {}
      if (address?.case !== 'socketAddress' || address.value.address !== this.#plan.address) continue
      this.#weightIn.set(version, loadBalancingWeight)
    }
  }

  #acknowledged(client: LightClient): void {
    const before = this.#newest.get(client)
    const weight = this.#weightIn.get(client.holds(ENDPOINT, this.#name))
    if (before === undefined || weight === undefined) return
    const report = before + ((weight - weightOf(Math.max(0, before)) + WEIGHTS) % WEIGHTS) + (before < 0 ? 1 : 0)
    if (report === before || report >= this.#sentAt.length) return
    this.#newest.set(client, report)
    const now = performance.now()
    for (let index = before + 1; index <= report; index++) {
      const missing = (this.#missing[index] ?? 0) - 1
      this.#missing[index] = missing
      if (missing === 0) this.#latencies.push(now - (this.#sentAt[index] ?? now))
    }
  }

  /** Whether all reports have reached all clients, within 30 s after the last one. */
  async #all(count: number): Promise<boolean> {
    const end = performance.now() + 30_000
    while (this.#latencies.length < count && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20))
    return this.#latencies.length === count
  }
}
