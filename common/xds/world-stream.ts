import { createHash } from 'node:crypto'
import type { DiscoveryRequest } from '../proto/envoy/service/discovery/v3/discovery_pb.js'
import { ONE_BY_ONE, type ResponsePolicy } from './blame.js'
import type { Push } from './delivery.js'
import { DeltaStream, type DeltaStreamOptions } from './delta-stream.js'
import { checkCount, STREAM_LIMITS } from './limits.js'
import { kindOf } from './order.js'
import type { Resource } from './resource.js'
import { CLUSTER, LISTENER } from './types.js'
import { WholeList, type WorldPush } from './whole-list.js'
import { encodeNameOnly } from './wire.js'

/** The fields of a request that matter after the client has been identified. */
export type WorldRequest = Pick<
  DiscoveryRequest,
  'typeUrl' | 'resourceNames' | 'versionInfo' | 'responseNonce' | 'errorDetail'
>

/**
 * One state-of-the-world ADS stream as a state machine without I/O. It is the delta stream with other words: a request
 * repeats all names, so what it adds and leaves out is what it subscribes to and unsubscribes from; a response of
 * clusters or listeners repeats what the client has. Order, refusals and what a slow client skips are the delta
 * stream's.
 *
 * A removal is told by absence. Endpoints and routes cannot be told to be absent: for a name that is nothing, an empty
 * one is sent, so that nobody waits for a fetch timeout.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#the-xds-transport-protocol
 */
export class WorldStream {
  readonly delta: DeltaStream
  readonly #maxNames: DeltaStreamOptions['limits']
  readonly #asked = new Map<string, Asked>()
  readonly #lists = new Map<string, WholeList>()

  constructor(options: DeltaStreamOptions = {}) {
    this.#maxNames = options.limits
    this.delta = new DeltaStream({ ...options, policyOf: (type) => this.#lists.get(type)?.policy ?? PIECEMEAL })
  }

  /**
   * Takes a request: names, an answer to a response, or both.
   *
   * @throws {StreamRefusal} when the stream asks for more than its limits allow
   */
  receive(request: WorldRequest): void {
    const { typeUrl: type, resourceNames, versionInfo, responseNonce, errorDetail } = request
    checkCount(resourceNames.length, this.#maxNames ?? STREAM_LIMITS)
    const before = this.#asked.get(type)
    const asked = readNames(type, resourceNames, before)
    if (before === undefined && asked.names.size === 0 && type !== '') return
    const subscribe = [...asked.names].filter((name) => before?.names.has(name) !== true)
    const unsubscribe = [...(before?.names ?? [])].filter((name) => !asked.names.has(name))
    if (before === undefined && WHOLE.has(type)) this.#lists.set(type, new WholeList(versionInfo === ''))
    this.delta.receive({
      typeUrl: type,
      resourceNamesSubscribe: subscribe,
      resourceNamesUnsubscribe: unsubscribe,
      initialResourceVersions: {},
      responseNonce,
      errorDetail,
    })
    this.#asked.set(type, asked)
    const list = this.#lists.get(type)
    list?.answered(responseNonce, (name) => this.delta.has(type, name))
    if (unsubscribe.length > 0) list?.keep((name) => asked.names.has('*') || asked.names.has(name))
  }

  /** Makes the response that is to be sent next, or none for now, as {@link DeltaStream.next} does. */
  next(now: number): WorldPush | undefined {
    const push = this.delta.next(now)
    if (push === undefined) return undefined
    const { type, nonce } = push
    const resources = this.#lists.get(type)?.tell(push) ?? [...push.resources, ...nothingAt(push)]
    return { type, nonce, resources, version: versionOf(resources), news: push.resources.length }
  }
}

/** Types whose responses repeat everything, of which no name at first means everything. */
const WHOLE: ReadonlySet<string> = new Set([CLUSTER, LISTENER])

/** Of other types: what stands refused may be known to the client from another stream, so its end is told. */
const PIECEMEAL: ResponsePolicy = {
  ...ONE_BY_ONE,
  judge: (_, names) => () => (names.size > 1 ? 'isolate' : 'refuse-other'),
}

interface Asked {
  readonly names: ReadonlySet<string>
  /** Whether any request had names: then one without means none, not everything. */
  readonly byName: boolean
}

function readNames(type: string, names: readonly string[], before: Asked | undefined): Asked {
  const byName = names.length > 0 || before?.byName === true
  return byName || !WHOLE.has(type) ? { names: new Set(names), byName } : { names: EVERYTHING, byName }
}

const EVERYTHING: ReadonlySet<string> = new Set(['*'])

/** Empty resources in the place of those that are no more, of the types in which a name can stand for nothing. */
function nothingAt({ type, removed }: Push): readonly Resource[] {
  if (kindOf(type) !== 'endpoint' && kindOf(type) !== 'route') return []
  return removed.map((name) => ({ type, name, version: '', bytes: encodeNameOnly(name) }))
}

function versionOf(resources: readonly Resource[]): string {
  const hash = createHash('sha256')
  for (const { name, version } of resources) hash.update(`${name}\n${version}\n`)
  return hash.digest('hex').slice(0, 20)
}
