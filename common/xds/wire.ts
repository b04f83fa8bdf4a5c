import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { checkFieldCount, TooManyFields } from '../count-fields.js'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from '../proto/envoy/service/discovery/v3/discovery_pb.js'
import type { Push } from './delivery.js'
import type { DeltaRequest } from './delta-stream.js'
import { NODE_FIELDS, REQUEST_FIELDS } from './limits.js'
import { StreamRefusal } from './refusal.js'
import type { Resource } from './resource.js'
import { TYPE_NAMES } from './types.js'
import type { WorldPush } from './whole-list.js'

/** What a client tells of itself. */
export type Node = NonNullable<DeltaDiscoveryRequest['node']>

/** A request as it came, with its node still encoded. */
export interface ReceivedRequest<Request> {
  readonly request: Request
  /** The encoded node; absent when the request has none. */
  readonly node: Uint8Array | undefined
}

/**
 * Decodes a delta request all but its node. Envoy puts its node into every request, ACKs too, with the names of all its
 * extensions, tens of kilobytes that never change: comparing these bytes costs next to nothing, decoding them would be
 * most of what an ACK costs.
 *
 * @throws {StreamRefusal} when the bytes are no request
 */
export function decodeDeltaRequest(bytes: Uint8Array): ReceivedRequest<DeltaRequest> {
  return refuseMalformed(() => {
    const { rest, node } = takeField(NODE_OF_DELTA, bytes)
    const request = decodeAcknowledgement(rest) ?? decodeChecked(DeltaDiscoveryRequestSchema, rest)
    return { request, node }
  })
}

/** The same for a state-of-the-world request. @throws {StreamRefusal} when the bytes are no request */
export function decodeWorldRequest(bytes: Uint8Array): ReceivedRequest<DiscoveryRequest> {
  return refuseMalformed(() => {
    const { rest, node } = takeField(NODE_OF_WORLD, bytes)
    return { request: decodeChecked(DiscoveryRequestSchema, rest), node }
  })
}

/** Decodes the node that a request had. @throws {StreamRefusal} when the bytes are no node */
export function decodeNode(bytes: Uint8Array): Node | undefined {
  return refuseMalformed(() => {
    const request = new BinaryWriter().tag(NODE_OF_DELTA, WireType.LengthDelimited).bytes(bytes).finish()
    checkFieldCount(DeltaDiscoveryRequestSchema, request, NODE_FIELDS)
    return fromBinary(DeltaDiscoveryRequestSchema, request).node
  })
}

/** Encodes a response. Only its frame is made: the bytes of a resource, and of a type, are made once for all streams. */
export function encodePush({ type, nonce, resources, removed }: Push): Uint8Array {
  const fields = resources.map(encodeResource)
  fields.push(encodeType(type), encodeText(NONCE, nonce))
  for (const name of removed) fields.push(encodeText(REMOVED, name))
  return Buffer.concat(fields)
}

/**
 * Encodes a state-of-the-world response. Like {@link encodePush} it makes the frame alone.
 */
export function encodeWorldPush({ type, nonce, version, resources }: WorldPush): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(version)
  for (const resource of resources) {
    writer.tag(2, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.LengthDelimited).string(resource.type)
    writer.tag(2, WireType.LengthDelimited).bytes(resource.bytes)
    writer.join()
  }
  writer.tag(4, WireType.LengthDelimited).string(type)
  writer.tag(5, WireType.LengthDelimited).string(nonce)
  return writer.finish()
}

/** A message that has only a name, in the first field: an empty ClusterLoadAssignment or RouteConfiguration. */
export function encodeNameOnly(name: string): Uint8Array {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).string(name).finish()
}

/** Encodes a delta request of a client. */
export function encodeRequest(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): Uint8Array {
  return toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request))
}

/** Decodes a response for a client. @throws when the bytes are no response */
export function decodeResponse(bytes: Uint8Array): DeltaDiscoveryResponse {
  return fromBinary(DeltaDiscoveryResponseSchema, bytes)
}

/** The field `resources` of a response that carries this resource, tag and length included. */
function encodeResource(resource: Resource): Uint8Array {
  const known = encoded.get(resource)
  if (known !== undefined) return known
  const writer = new BinaryWriter().tag(2, WireType.LengthDelimited).fork()
  writer.tag(1, WireType.LengthDelimited).string(resource.version)
  writer.tag(2, WireType.LengthDelimited).fork()
  writer.tag(1, WireType.LengthDelimited).string(resource.type)
  writer.tag(2, WireType.LengthDelimited).bytes(resource.bytes)
  writer.join().tag(3, WireType.LengthDelimited).string(resource.name)
  const bytes = writer.join().finish()
  encoded.set(resource, bytes)
  return bytes
}

const encoded = new WeakMap<Resource, Uint8Array>()

/** The field `type_url` of a response; clients may ask for types of any name, so only those that are known are kept. */
function encodeType(type: string): Uint8Array {
  return KNOWN_TYPES.get(type) ?? encodeText(TYPE_URL, type)
}

/** A field with a text. A writer would allocate more than most of these have bytes. */
function encodeText(field: number, text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  if (length > 127) return new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish()
  const bytes = Buffer.allocUnsafe(2 + length)
  bytes[0] = (field << 3) | WireType.LengthDelimited
  bytes[1] = length
  bytes.write(text, 2)
  return bytes
}

const TYPE_URL = 4
const NONCE = 5
const REMOVED = 6

const KNOWN_TYPES: ReadonlyMap<string, Uint8Array> = new Map(
  [...TYPE_NAMES.keys()].map((type) => [type, encodeText(TYPE_URL, type)]),
)

const NODE_OF_DELTA = 1
const NODE_OF_WORLD = 2

function decodeChecked<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  checkFieldCount(schema, bytes, REQUEST_FIELDS)
  return fromBinary(schema, bytes)
}

/** Nearly all requests are ACKs, a type and a nonce: the general decoder would be most of what one costs. */
function decodeAcknowledgement(bytes: Uint8Array): DeltaRequest | undefined {
  const reader = new BinaryReader(bytes)
  let typeUrl = ''
  let responseNonce = ''
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    if (wireType !== WireType.LengthDelimited) return undefined
    if (number === REQUEST_TYPE_URL) typeUrl = reader.string()
    else if (number === RESPONSE_NONCE) responseNonce = reader.string()
    else return undefined
  }
  return { ...ASKS_NOTHING, typeUrl, responseNonce }
}

const REQUEST_TYPE_URL = 2
const RESPONSE_NONCE = 6

const ASKS_NOTHING: DeltaRequest = create(DeltaDiscoveryRequestSchema)

/** Cuts a field of bytes out of an encoded message; of several, the last counts, as protobuf has it for scalars. */
function takeField(field: number, bytes: Uint8Array): { rest: Uint8Array; node: Uint8Array | undefined } {
  const reader = new BinaryReader(bytes)
  const rest: Uint8Array[] = []
  let node: Uint8Array | undefined
  // What stands between two nodes stays one piece: a request may have a hundred thousand names.
  let kept = 0
  while (reader.pos < reader.len) {
    const start = reader.pos
    const [number, wireType] = reader.tag()
    if (number !== field || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number)
      continue
    }
    node = reader.bytes()
    if (start > kept) rest.push(bytes.subarray(kept, start))
    kept = reader.pos
  }
  rest.push(bytes.subarray(kept))
  return { rest: rest.length === 1 && rest[0] !== undefined ? rest[0] : Buffer.concat(rest), node }
}

function refuseMalformed<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof TooManyFields) throw new StreamRefusal('RESOURCE_EXHAUSTED', cause.message, { cause })
    throw new StreamRefusal('INVALID_ARGUMENT', 'malformed discovery request', { cause })
  }
}
