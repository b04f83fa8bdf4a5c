import { ScalarType } from '@bufbuild/protobuf'
import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** Writes a value; with its tag, or after it. */
export type Write = (writer: BinaryWriter, value: unknown) => void

/** Whether a scalar or an enum has the value of an absent one. */
export function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0
  return value === '' || value === false || value === 0n || Object.is(value, 0)
}

/** Writes one scalar with its tag. */
export function writeScalarOf(number: number, type: ScalarType): Write {
  const { wire, write } = SCALARS[type]
  return (writer, value) => write(writer.tag(number, wire), value)
}

/** Writes a list of scalars as one field, where there are any. */
export function writePackedOf(number: number, type: ScalarType): Write {
  const { write } = SCALARS[type]
  return (writer, values) => {
    const all = values as readonly unknown[]
    if (all.length === 0) return
    writer.tag(number, WireType.LengthDelimited).fork()
    for (const value of all) write(writer, value)
    writer.join()
  }
}

const { Varint, Bit32, Bit64, LengthDelimited } = WireType

const SCALARS: Readonly<Record<ScalarType, { readonly wire: WireType; readonly write: Write }>> = {
  [ScalarType.STRING]: { wire: LengthDelimited, write: (writer, value) => writer.string(value as string) },
  [ScalarType.BYTES]: { wire: LengthDelimited, write: (writer, value) => writer.bytes(value as Uint8Array) },
  [ScalarType.BOOL]: { wire: Varint, write: (writer, value) => writer.bool(value as boolean) },
  [ScalarType.INT32]: { wire: Varint, write: (writer, value) => writer.int32(value as number) },
  [ScalarType.INT64]: { wire: Varint, write: (writer, value) => writer.int64(value as bigint) },
  [ScalarType.UINT32]: { wire: Varint, write: (writer, value) => writer.uint32(value as number) },
  [ScalarType.UINT64]: { wire: Varint, write: (writer, value) => writer.uint64(value as bigint) },
  [ScalarType.SINT32]: { wire: Varint, write: (writer, value) => writer.sint32(value as number) },
  [ScalarType.SINT64]: { wire: Varint, write: (writer, value) => writer.sint64(value as bigint) },
  [ScalarType.FIXED32]: { wire: Bit32, write: (writer, value) => writer.fixed32(value as number) },
  [ScalarType.SFIXED32]: { wire: Bit32, write: (writer, value) => writer.sfixed32(value as number) },
  [ScalarType.FLOAT]: { wire: Bit32, write: (writer, value) => writer.float(value as number) },
  [ScalarType.FIXED64]: { wire: Bit64, write: (writer, value) => writer.fixed64(value as bigint) },
  [ScalarType.SFIXED64]: { wire: Bit64, write: (writer, value) => writer.sfixed64(value as bigint) },
  [ScalarType.DOUBLE]: { wire: Bit64, write: (writer, value) => writer.double(value as number) },
}
