/** The load of a benchmark in a process of its own: herds of light clients, and agents' sessions whose reports are events. */
import { renameSync, writeFileSync } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { answer } from '../process/remote.js'
import { UsageMeter } from '../process/usage.js'
import { Churn, type ChurnPlan } from './churn.js'
import { type Credentials, openConnection, prepare, type ServerAddress } from './connect.js'
import type { Change, Expected } from './expected.js'
import { Herd } from './herd.js'
import type { Http2Connection } from './http2.js'
import type { Behaviour, ClientPlan } from './light-client.js'
import { beginSession, SESSION_STREAM } from './requests.js'

/** A herd that is to be connected. */
export interface HerdPlan {
  readonly server: ServerAddress
  readonly clients: readonly ClientPlan[]
  readonly expected: Expected
  /** By host; absent in plain text. */
  readonly credentials?: ReadonlyMap<string, Credentials>
  /** Connections that are begun before others are awaited; absent: all at once. */
  readonly atOnce?: number
}

/** What starts a change: a message on the session of a host, or a document that is renamed into its place. */
export type SourceEvent =
  | { readonly kind: 'report'; readonly host: string; readonly message: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }

const meter = new UsageMeter()
let plan: HerdPlan | undefined
let herd: Herd | undefined
let contexts: readonly (SecureContext | undefined)[] = []
const sessions = new Map<string, Http2Connection>()

const api = {
  /** Makes a herd; nothing is connected yet. */
  prepare(next: HerdPlan) {
    plan = next
    herd = new Herd(next.clients, next.expected)
    contexts = next.clients.map(({ host }) => prepare(next.server, next.credentials?.get(host)))
  },

  /** Connects the herd until each client holds everything. @returns milliseconds, and what was received */
  async begin(options: { readonly record?: boolean } = {}) {
    const [current, { server, clients, atOnce = clients.length }] = [theHerd(), thePlan()]
    current.restartCounts(options.record === true)
    const ms = await current.begin(server, contexts, atOnce)
    return { ms, ...current.received, recorded: current.recorded }
  },

  /** Ends all connections of the herd; what the clients hold they keep. */
  disconnect() {
    theHerd().end()
  },

  /** Connects the same clients again, perhaps to another server, until each type that they ask for is answered. */
  async reconnect(server: ServerAddress) {
    const [current, { clients, atOnce = clients.length }] = [theHerd(), thePlan()]
    plan = { ...thePlan(), server }
    current.restartCounts(false)
    const begun = performance.now()
    await current.begin(server, contexts, atOnce)
    const ms = (await current.answered()) - begun
    return { ms, ...current.received }
  },

  /** Opens the session of a host and sends these messages. */
  async openSession({ host, messages }: { readonly host: string; readonly messages: readonly Uint8Array[] }) {
    const { server, credentials } = thePlan()
    const open = await openConnection(server, SESSION_HOST + sessions.size, prepare(server, credentials?.get(host)))
    const connection = open({
      message: () => undefined,
      ended: (reason) => theHerd().failures.push(`${host}: ${reason}`),
    })
    beginSession(connection, host, messages)
    sessions.get(host)?.close()
    sessions.set(host, connection)
  },

  closeSessions() {
    for (const connection of sessions.values()) connection.close()
    sessions.clear()
  },

  /** Strikes one event, and waits until all clients have acknowledged what it changes. */
  async round({ event, changes, record }: { event: SourceEvent; changes: readonly Change[]; record?: boolean }) {
    const current = theHerd()
    current.aim(changes)
    current.restartCounts(record === true)
    const begun = performance.now()
    strike(event)
    const ms = (await current.whole()) - begun
    return { ms, ...current.received, recorded: current.recorded }
  },

  /** Sends reports at a rate, and tells how long each took to be at all clients. */
  churn(churn: ChurnPlan) {
    return new Churn(theHerd(), churn, (host, message) => strike({ kind: 'report', host, message })).run()
  },

  /** What all clients are to hold is another thing now. */
  aim({ changes }: { readonly changes: readonly Change[] }) {
    theHerd().aim(changes)
  },

  behave({ clients, behaviour }: { readonly clients: readonly number[]; readonly behaviour: Behaviour }) {
    for (const index of clients) theHerd().behave(index, behaviour)
  },

  faults: () => theHerd().faults(),
  usage: () => meter.read(),
}

/** What the load can be asked. */
export type GeneratorApi = typeof api

/** Addresses of sessions are apart from those of the herd. */
const SESSION_HOST = 60_000

function strike(event: SourceEvent): void {
  if (event.kind === 'report') sessions.get(event.host)?.send(SESSION_STREAM, event.message)
  else {
    writeFileSync(`${event.path}.new`, event.text)
    renameSync(`${event.path}.new`, event.path)
  }
}

function theHerd(): Herd {
  if (herd === undefined) throw new Error('no herd is prepared')
  return herd
}

function thePlan(): HerdPlan {
  if (plan === undefined) throw new Error('no herd is prepared')
  return plan
}

answer(api)
