import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../proto/envoy/service/discovery/v3/discovery_pb.js'
import type { Push } from './delivery.js'
import { StreamRefusal } from './refusal.js'
import type { Resource } from './resource.js'

/** What a client tells of itself. */
export type Node = NonNullable<DeltaDiscoveryRequest['node']>

/** A request as it came, with its node still encoded. */
export interface ReceivedRequest {
  readonly request: DeltaDiscoveryRequest
  /** The encoded node; absent when the request has none. */
  readonly node: Uint8Array | undefined
}

/**
 * Decodes a request all but its node. Envoy puts its node into every delta request, ACKs too, with the names of all its
 * extensions, tens of kilobytes that never change: comparing these bytes costs next to nothing, decoding them would be
 * most of what an ACK costs.
 *
 * @throws {StreamRefusal} when the bytes are no request
 */
export function decodeRequest(bytes: Uint8Array): ReceivedRequest {
  return refuseMalformed(() => {
    const reader = new BinaryReader(bytes)
    if (bytes.length === 0 || reader.uint32() !== NODE_TAG) {
      const { node, ...request } = fromBinary(DeltaDiscoveryRequestSchema, bytes)
      return { request, node: node === undefined ? undefined : encodeNode(node) }
    }
    const node = reader.bytes()
    return { request: fromBinary(DeltaDiscoveryRequestSchema, bytes.subarray(reader.pos)), node }
  })
}

/** Decodes what {@link decodeRequest} has left. @throws {StreamRefusal} when the bytes are no node */
export function decodeNode(bytes: Uint8Array): Node | undefined {
  return refuseMalformed(() => {
    const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(bytes)
    return fromBinary(DeltaDiscoveryRequestSchema, writer.finish()).node
  })
}

/** Encodes a response. Only its frame is made: the bytes of a resource are made once, for all streams. */
export function encodePush(push: Push): Uint8Array {
  const writer = new BinaryWriter()
  for (const resource of push.resources) writer.raw(encodeResource(resource))
  writer.tag(4, WireType.LengthDelimited).string(push.type)
  writer.tag(5, WireType.LengthDelimited).string(push.nonce)
  for (const name of push.removed) writer.tag(6, WireType.LengthDelimited).string(name)
  return writer.finish()
}

/** Encodes a request of a client. */
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

const NODE_TAG = (1 << 3) | WireType.LengthDelimited

function encodeNode(node: Node): Uint8Array {
  const reader = new BinaryReader(encodeRequest({ node }))
  reader.uint32()
  return reader.bytes()
}

function refuseMalformed<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new StreamRefusal('INVALID_ARGUMENT', 'malformed discovery request', { cause })
  }
}
