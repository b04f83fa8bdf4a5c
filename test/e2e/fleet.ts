import assert from 'node:assert/strict'
import { type Application, answerWithRequest, startHttp, startTcp } from './application.js'
import { closeConnections, readGreeting, type Target, targetOn } from './client.js'
import { HTTP_PORT, type LabHost, type LabService, PAY_1, PAY_2, TCP_PORT, WEB } from './hosts.js'
import { type LabPlan, MeshLab } from './lab.js'
import { type Ask, Load } from './load.js'

/** The port of the ledger, the HTTP service that payments calls by a declared upstream. */
const LEDGER_PORT = 9095

/** Where payments on the first host finds the ledger. */
const LEDGER_UPSTREAM: Target = { address: PAY_1.address, port: 9195 }

const GREETING = '220 greeter ready\r\n'

const OTHERS: readonly LabService[] = [
  { service: 'ledger', port: LEDGER_PORT },
  { service: 'greeter', port: TCP_PORT, protocol: 'tcp' },
]

/** The caller, and the two hosts that serve all that it calls. */
export const CALLER = WEB
export const FIRST: LabHost = {
  ...PAY_1,
  as: 'payments',
  services: [
    {
      service: 'payments',
      port: HTTP_PORT,
      more: `upstreams: [{ service: ledger, bind: "${LEDGER_UPSTREAM.address}:${LEDGER_UPSTREAM.port}" }]`,
    },
    ...OTHERS,
  ],
}
export const SECOND: LabHost = { ...PAY_2, as: 'payments', services: [...PAY_2.services, ...OTHERS] }

/** Pairs of services, each asked 50 times a second. */
export const PAIRS = ['web → payments', 'web → greeter (tcp)', 'payments → ledger'] as const

export type Pair = (typeof PAIRS)[number]

/** A lab of three hosts with three pairs of services, two instances of each that is called. */
export class Fleet {
  #lab: MeshLab | undefined
  readonly #applications = new Map<string, Application>()
  readonly #loads: FleetLoad[] = []
  #asked: ReadonlyMap<Pair, Target | Ask> = new Map()

  /** @param plan further hosts are the lab's as well, and serve what they list */
  static async start(plan: Partial<LabPlan> = {}): Promise<Fleet> {
    const fleet = new Fleet()
    const hosts = [CALLER, FIRST, SECOND, ...(plan.hosts ?? [])]
    try {
      for (const host of hosts) await fleet.startApplications(host)
      fleet.#lab = await MeshLab.start({ ...plan, hosts })
      fleet.#asked = await askedOf()
      return fleet
    } catch (error) {
      await fleet.end()
      throw error
    }
  }

  get lab(): MeshLab {
    if (this.#lab === undefined) throw new Error('the lab has not started')
    return this.#lab
  }

  /** Begins to send on all pairs. */
  load(): FleetLoad {
    const load = new FleetLoad(this.#asked)
    this.#loads.push(load)
    return load
  }

  /** Where web finds payments. */
  get payments(): Target {
    return this.#asked.get('web → payments') as Target
  }

  async startApplications(host: LabHost): Promise<void> {
    for (const service of host.services) {
      this.#applications.set(`${host.name}/${service.service}`, await serve(host, service))
    }
  }

  /** Ends all applications of a host as a crash does. */
  async endApplications({ name, services }: LabHost): Promise<void> {
    for (const { service } of services) await this.#applications.get(`${name}/${service}`)?.end()
  }

  async end(): Promise<void> {
    // A test that failed has not stopped its load.
    await Promise.all(this.#loads.map((load) => load.stop()))
    closeConnections()
    await this.#lab?.end()
    for (const application of this.#applications.values()) await application.end()
  }
}

/** What may fail of one pair of services. */
export interface Allowed {
  /** At most so many requests; 0 unless given. */
  readonly failures?: number
  /** All of them sent within so many milliseconds of the fault. */
  readonly withinMs?: number
}

/** The load on all pairs, each counted apart. */
export class FleetLoad {
  readonly #loads: ReadonlyMap<Pair, Load>

  constructor(asked: ReadonlyMap<Pair, Target | Ask>) {
    this.#loads = new Map([...asked].map(([pair, one]) => [pair, new Load(one)]))
  }

  /** Of one pair. */
  of(pair: Pair): Load {
    const found = this.#loads.get(pair)
    if (found === undefined) throw new Error(`no load for ${pair}`)
    return found
  }

  /** How many requests have been sent, and how many have failed so far. */
  get counts(): { readonly sent: number; readonly failed: number } {
    const all = [...this.#loads.values()]
    const sum = (of: (load: Load) => number) => all.reduce((total, load) => total + of(load), 0)
    return { sent: sum(({ sent }) => sent), failed: sum(({ failures }) => failures.length) }
  }

  /** Waits until each pair has sent that many more: 50 are a second. */
  async more(count: number): Promise<void> {
    await Promise.all([...this.#loads.values()].map((load) => load.more(count)))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#loads.values()].map((load) => load.stop()))
  }

  /** Stops, and asserts that no request failed except as it is allowed, after a fault at `faultAt`. */
  async stopWith(allowed: Partial<Record<Pair, Allowed>> = {}, faultAt = 0): Promise<void> {
    await this.stop()
    for (const [pair, { failures, sent }] of this.#loads) {
      const { failures: most = 0, withinMs = Number.POSITIVE_INFINITY } = allowed[pair] ?? {}
      const texts = failures.map(({ at, why }) => `${Math.round(at - faultAt)} ms: ${why}`)
      assert.ok(
        failures.length <= most,
        `${pair}: ${failures.length} of ${sent} failed: ${texts.slice(0, 8).join('; ')}`,
      )
      const late = failures.filter(({ at }) => at - faultAt > withinMs)
      assert.equal(late.length, 0, `${pair}: failed later than ${withinMs} ms after the fault: ${texts.join('; ')}`)
    }
  }
}

async function askedOf(): Promise<ReadonlyMap<Pair, Target | Ask>> {
  const greeter = await targetOn(CALLER, 'greeter', TCP_PORT)
  return new Map<Pair, Target | Ask>([
    ['web → payments', await targetOn(CALLER, 'payments', HTTP_PORT)],
    ['web → greeter (tcp)', () => readGreeting(greeter, GREETING)],
    ['payments → ledger', LEDGER_UPSTREAM],
  ])
}

function serve(host: LabHost, { port, protocol = 'http' }: LabService): Promise<Application> {
  if (protocol === 'tcp') return startTcp(host.address, port, (socket) => socket.write(GREETING))
  return startHttp(host.address, port, (request, response) => {
    response.end(answerWithRequest(request, { servedBy: host.name }))
  })
}
