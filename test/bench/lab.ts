import { fileURLToPath } from 'node:url'
import type { BenchContext } from './bench.js'
import type { ServerAddress } from './load/connect.js'
import type { Change, Expected } from './load/expected.js'
import type { GeneratorApi, HerdPlan, SourceEvent } from './load/generator.js'
import type { Recorded } from './load/herd.js'
import type { ClientPlan } from './load/light-client.js'
import type { MeshDirectory } from './mesh/directory.js'
import { LOAD_CORE, SERVER_CORE } from './process/machine.js'
import { type Api, Remote } from './process/remote.js'
import type { Usage } from './process/usage.js'
import type { MeshServerApi, Transport } from './server/mesh-server.js'
import type { NullServerApi, Script } from './server/null-server.js'

/** A server on its core, whichever it is. */
export interface Server<A extends Api = Api> extends AsyncDisposable {
  readonly remote: Remote<A>
  readonly address: ServerAddress
  /** What it used since this was asked last. */
  usage(): Promise<Usage>
}

/** Starts the control plane of a directory. */
export async function startMesh(
  directory: MeshDirectory,
  transport: Transport,
  { nodeOptions }: Pick<BenchContext, 'nodeOptions'>,
): Promise<Server<MeshServerApi>> {
  const remote = new Remote<MeshServerApi>(main('server/mesh-server.js'), SERVER_CORE, nodeOptions)
  const address = await remote.ask('start', { path: directory.path, transport })
  return {
    remote,
    address,
    usage: () => remote.ask('usage'),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

/** Starts the null server on the same core. */
export async function startNull(script: Script): Promise<Server<NullServerApi>> {
  const remote = new Remote<NullServerApi>(main('server/null-server.js'), SERVER_CORE)
  const address = await remote.ask('start', script)
  return {
    remote,
    address,
    usage: () => remote.ask('usage'),
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

/** One event that starts a change, and what it changes. */
export interface Stimulus {
  readonly event: SourceEvent
  readonly changes: readonly Change[]
}

/** What a server did with several events, one after the other. */
export interface Rounds {
  /** Milliseconds from each event to the last ACK. */
  readonly times: readonly number[]
  /** CPU time of the server from each event until it was quiet again, milliseconds. */
  readonly cpuMs: readonly number[]
  /** Responses of each event that clients received. */
  readonly pushes: number
  readonly usage: Usage
  readonly blockedMs: number
  /** What the recording client received of each different event. */
  readonly recorded: readonly Recorded[]
}

/** A herd of clients, and sessions, in a process on a core of its own. */
export class Load implements AsyncDisposable {
  readonly remote = new Remote<GeneratorApi>(main('load/generator.js'), LOAD_CORE)

  /** Connects clients, a few at once, until each has what it is to have. @returns what the first concerned one got */
  async connect(server: ServerAddress, clients: readonly ClientPlan[], expected: Expected): Promise<Recorded> {
    return (await this.herd({ server, clients, expected, atOnce: 64 }, true)).recorded
  }

  /** Connects clients as planned. @returns milliseconds until the last one had everything, and what was received */
  async herd(plan: HerdPlan, record = false) {
    await this.remote.ask('prepare', plan)
    return this.remote.ask('begin', { record })
  }

  /** Strikes events one after the other: each when the one before is acknowledged by all and the server is quiet. */
  async rounds(server: Server, stimuli: readonly Stimulus[], count: number): Promise<Rounds> {
    const times: number[] = []
    const cpuMs: number[] = []
    const recorded: Recorded[] = []
    let [pushes, blockedMs] = [0, 0]
    for (let round = 0; round < count; round++) {
      const stimulus = stimuli[round % stimuli.length]
      if (stimulus === undefined) throw new RangeError('no event to strike')
      await pause(QUIET_MS)
      await server.usage()
      const record = recorded.length < stimuli.length
      const { ms, responses, recorded: one } = await this.remote.ask('round', { ...stimulus, record })
      await pause(AFTER_MS)
      const usage = await server.usage()
      times.push(ms)
      cpuMs.push(usage.cpuMs)
      if (record) recorded.push(one)
      pushes = responses
      blockedMs = Math.max(blockedMs, usage.blockedMs)
    }
    return { times, cpuMs, pushes, usage: await server.usage(), blockedMs, recorded }
  }

  faults(): Promise<readonly string[]> {
    return this.remote.ask('faults')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remote[Symbol.asyncDispose]()
  }
}

/** Waits, because what is measured is how a server that has nothing else to do answers one change. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Between two events, and after the last ACK until what the server did for an event is counted; milliseconds. */
const QUIET_MS = 300
const AFTER_MS = 300

function main(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
