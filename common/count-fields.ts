import type { DescMessage } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** An encoded message that has more fields than any honest one. */
export class TooManyFields extends Error {
  override readonly name = 'TooManyFields'
}

/**
 * Holds an encoded message against a bound on its fields, those of messages inside it included. An empty message inside
 * another is two bytes on the wire and hundreds in memory, so a bound on bytes alone lets one message of 4 MiB take
 * seconds and more than a gigabyte to decode.
 *
 * @throws {TooManyFields}; RangeError and its like where the bytes are no message
 */
export function checkFieldCount(schema: DescMessage, bytes: Uint8Array, most: number): void {
  const reader = new BinaryReader(bytes)
  let count = 0
  const read = (message: DescMessage, end: number): void => {
    const inside = messagesIn(message)
    while (reader.pos < end) {
      const [number, wireType] = reader.tag()
      if (++count > most) throw new TooManyFields(`a message of more than ${most} fields`)
      const inner = wireType === WireType.LengthDelimited ? inside.get(number) : undefined
      if (inner === undefined) reader.skip(wireType, number)
      else read(inner, reader.uint32() + reader.pos)
    }
  }
  read(schema, reader.len)
}

/** What kinds of messages stand in a message, by the number of their field. Entries of maps count as one field. */
function messagesIn(schema: DescMessage): ReadonlyMap<number, DescMessage> {
  const known = fieldsOf.get(schema)
  if (known !== undefined) return known
  const fields = schema.fields.flatMap((field): readonly (readonly [number, DescMessage])[] =>
    field.fieldKind !== 'map' && field.message !== undefined ? [[field.number, field.message]] : [],
  )
  const found = new Map(fields)
  fieldsOf.set(schema, found)
  return found
}

const fieldsOf = new WeakMap<DescMessage, ReadonlyMap<number, DescMessage>>()
