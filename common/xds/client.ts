import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Log } from '../log.js'
import type {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponse,
} from '../proto/envoy/service/discovery/v3/discovery_pb.js'
import { referredFirst } from './order.js'
import type { Resource } from './resource.js'
import type { ResourceChanges, ResourceStore } from './store.js'
import { decodeResponse, encodeRequest } from './wire.js'

/** The transport of one stream, as the client uses it. */
export interface DeltaCall {
  write(message: Uint8Array): void
  /** What the server sends; ends when the stream ends normally, throws when it does not. */
  readonly messages: AsyncIterable<Uint8Array>
  /** Ends the stream from this side; harmless when it has ended. */
  cancel(): void
}

/** What a client is made of. */
export interface DeltaClientOptions {
  /** Opens a stream to a server of the caller's choice. */
  readonly open: () => DeltaCall
  readonly node: MessageInitShape<typeof DeltaDiscoveryRequestSchema>['node']
  /** Type URLs of what is wanted: of each, everything that the server has for this node. */
  readonly types: readonly string[]
  readonly store: ResourceStore
  readonly log: Log
  /** Called once a stream, when every type has been answered, be it by "nothing has changed". */
  readonly onSynced?: () => void
}

/** The server has ended the stream, or has broken the protocol. */
export class DeltaStreamError extends Error {
  override readonly name = 'DeltaStreamError'
}

/**
 * Keeps a store equal to what a server has, over one stream; what the store has already is not sent again. The caller
 * chooses the server and when to try again.
 *
 * Resources arrive in an order in which the store never refers to what it does not have, as far as the server publishes
 * no such thing itself (see `PUSH_ORDER`). A response that is faulty in itself is refused and changes nothing.
 *
 * @throws {DeltaStreamError} when the stream ends before `signal` aborts
 */
export async function runDeltaClient(options: DeltaClientOptions, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const call = options.open()
  const cancel = () => call.cancel()
  signal.addEventListener('abort', cancel)
  try {
    subscribe(call, options)
    await receive(call, options)
  } catch (cause) {
    if (!signal.aborted) throw new DeltaStreamError('xDS stream failed', { cause })
  } finally {
    signal.removeEventListener('abort', cancel)
    call.cancel()
  }
  if (!signal.aborted) throw new DeltaStreamError('the server has ended the xDS stream')
}

function subscribe(call: DeltaCall, { node, types, store }: DeltaClientOptions): void {
  for (const [index, typeUrl] of referredFirst(types).entries()) {
    call.write(
      encodeRequest({
        ...(index === 0 && node !== undefined ? { node } : {}),
        typeUrl,
        resourceNamesSubscribe: ['*'],
        initialResourceVersions: store.versions(typeUrl),
      }),
    )
  }
}

async function receive(call: DeltaCall, { types, store, log, onSynced }: DeltaClientOptions): Promise<void> {
  const unanswered = new Set(types)
  for await (const message of call.messages) {
    const response = decodeResponse(message)
    const { typeUrl, nonce: responseNonce } = response
    if (!types.includes(typeUrl)) throw new DeltaStreamError(`response of type ${typeUrl}, which was not asked for`)
    const changes = readChanges(response)
    if (typeof changes === 'string') {
      log.warn('refused an xDS response', { type: typeUrl, reason: changes })
      call.write(encodeRequest({ typeUrl, responseNonce, errorDetail: { code: INVALID_ARGUMENT, message: changes } }))
      continue
    }
    store.apply(changes)
    call.write(encodeRequest({ typeUrl, responseNonce }))
    if (unanswered.delete(typeUrl) && unanswered.size === 0) onSynced?.()
  }
}

/** What a response changes, or what is wrong with it. */
function readChanges(response: DeltaDiscoveryResponse): ResourceChanges | string {
  const { typeUrl: type, removedResources: removals } = response
  const upserts: Resource[] = []
  for (const { name, version, resource } of response.resources) {
    if (resource?.typeUrl !== type) return `${name}: a resource of type ${resource?.typeUrl ?? '(none)'} among ${type}`
    if (name === '' || version === '') return `a resource without name or version among ${type}`
    upserts.push({ type, name, version, bytes: resource.value.slice() })
  }
  const names = [...upserts.map(({ name }) => name), ...removals]
  if (new Set(names).size !== names.length) return `a name occurs twice in one response of type ${type}`
  return { type, upserts, removals }
}

/** @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const INVALID_ARGUMENT = 3
