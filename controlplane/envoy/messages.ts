import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type Any, AnySchema, anyPack, type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import type { Bind } from '../../common/bind.js'
import { type Address, AddressSchema } from '../../common/proto/envoy/config/core/v3/address_pb.js'
import {
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from '../../common/proto/envoy/config/core/v3/config_source_pb.js'
import type { SocketAddress } from '../../common/socket-address.js'

/** Makes a message and packs it, as Envoy's extension points want it. */
export function pack<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Any {
  return anyPack(schema, create(schema, init))
}

/**
 * Encodes messages of which most is always the same, as there is one for each name: that part is encoded once. Protobuf
 * joins the fields of both parts, lists and messages inside too, so what is single may stand in only one of them.
 *
 * @see https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
export function encoder<S extends DescMessage>(
  schema: S,
  fixed: MessageInitShape<S>,
): (rest: MessageInitShape<S>) => Uint8Array {
  const bytes = toBinary(schema, create(schema, fixed))
  return (rest) => {
    const more = toBinary(schema, create(schema, rest))
    const all = new Uint8Array(bytes.length + more.length)
    all.set(bytes)
    all.set(more, bytes.length)
    return all
  }
}

/** Packs such messages ({@link encoder}). */
export function packer<S extends DescMessage>(
  schema: S,
  fixed: MessageInitShape<S>,
): (rest: MessageInitShape<S>) => Any {
  const { typeUrl } = pack(schema, fixed)
  const encode = encoder(schema, fixed)
  return (rest) => create(AnySchema, { typeUrl, value: encode(rest) })
}

/** Envoy refuses durations of more than 292 years, with all that is beside them; nobody waits so long. */
const LONGEST_MS = 100 * 365 * 24 * 3_600_000

/** A duration of so many milliseconds, at most a century. */
export function duration(ms: number): Duration {
  const whole = Math.min(ms, LONGEST_MS)
  return create(DurationSchema, { seconds: BigInt(Math.floor(whole / 1000)), nanos: Math.round((whole % 1000) * 1e6) })
}

/** A TCP address. */
export function socketAddress({ address, port }: SocketAddress): Address {
  return create(AddressSchema, {
    address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } },
  })
}

/** Where Envoy listens: a TCP address, or a Unix socket that it makes with these permissions. */
export function bindAddress(bind: Bind): Address {
  if (bind.kind === 'tcp') return socketAddress(bind)
  return create(AddressSchema, { address: { case: 'pipe', value: { path: bind.path, mode: bind.mode } } })
}

/** Says that a resource comes over the ADS stream of this Envoy. */
export const ADS: ConfigSource = create(ConfigSourceSchema, {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
})
