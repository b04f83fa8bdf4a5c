import type { DescMessage } from '@bufbuild/protobuf'
import type { AnySchema, DurationSchema } from '@bufbuild/protobuf/wkt'
import type { Bind } from '../../common/bind.js'
import type { AddressSchema } from '../../common/proto/envoy/config/core/v3/address_pb.js'
import { ApiVersion, type ConfigSourceSchema } from '../../common/proto/envoy/config/core/v3/config_source_pb.js'
import { encode, type Given } from '../../common/protobuf/encode.js'
import type { SocketAddress } from '../../common/socket-address.js'

/** A message with the name of its type, as Envoy's extension points want it. */
export type Packed = Given<typeof AnySchema>

/** Packs a message. */
export function pack<S extends DescMessage>(schema: S, given: Given<S>): Packed {
  return { typeUrl: typeUrl(schema), value: encode(schema, given) }
}

function typeUrl({ typeName }: DescMessage): string {
  return `type.googleapis.com/${typeName}`
}

/**
 * Encodes messages of which most is always the same, as there is one for each name: that part is encoded once. Protobuf
 * joins the fields of both parts, lists and messages inside too, so what is single may stand in only one of them.
 *
 * @see https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
export function encoder<S extends DescMessage>(schema: S, fixed: Given<S>): (rest: Given<S>) => Uint8Array {
  const bytes = encode(schema, fixed)
  return (rest) => encode(schema, rest, bytes)
}

/** Packs such messages ({@link encoder}). */
export function packer<S extends DescMessage>(schema: S, fixed: Given<S>): (rest: Given<S>) => Packed {
  const encodeAll = encoder(schema, fixed)
  return (rest) => ({ typeUrl: typeUrl(schema), value: encodeAll(rest) })
}

/** Envoy refuses durations of more than 292 years, with all that is beside them; nobody waits so long. */
const LONGEST_MS = 100 * 365 * 24 * 3_600_000

/** A duration of so many milliseconds, at most a century. */
export function duration(ms: number) {
  const whole = Math.min(ms, LONGEST_MS)
  const seconds = BigInt(Math.floor(whole / 1000))
  return { seconds, nanos: Math.round((whole % 1000) * 1e6) } satisfies Given<typeof DurationSchema>
}

/** A TCP address. */
export function socketAddress({ address, port }: SocketAddress): Given<typeof AddressSchema> {
  return { address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } } }
}

/** Where Envoy listens: a TCP address, or a Unix socket that it makes with these permissions. */
export function bindAddress(bind: Bind): Given<typeof AddressSchema> {
  if (bind.kind === 'tcp') return socketAddress(bind)
  return { address: { case: 'pipe', value: { path: bind.path, mode: bind.mode } } }
}

/** Says that a resource comes over the ADS stream of this Envoy. */
export const ADS: Given<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
}
