import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { FeatureSet_FieldPresence, isWrapperDesc } from '@bufbuild/protobuf/wkt'
import { isZero, type Write, writePackedOf, writeScalarOf } from './scalars.js'

/** The fields of a message that are given, by their names here; what `create` makes a message of, or a message itself. */
export type Given<S extends DescMessage> = MessageInitShape<S>

/**
 * Encodes a message of which only the given fields are looked at. To `create` a message and write it with the library goes
 * through every field that it could have, twice, and Envoy's have dozens; the bytes are the same: fields by their number,
 * without those that have the value of an absent one.
 *
 * @param before what the message begins with, encoded: other fields, or what lists and messages are joined to
 * @throws TypeError where there is no such field
 */
export function encode<S extends DescMessage>(schema: S, given: Given<S>, before?: Uint8Array): Uint8Array {
  try {
    if (before !== undefined) shared.raw(before)
    writeMessage(shared, shapeOf(schema), given)
    return shared.finish()
  } catch (error) {
    shared = new BinaryWriter()
    throw error
  }
}

/** Its room is what the largest message took; what is handed out is a copy. */
let shared = new BinaryWriter()

type Fields = Readonly<Record<string, unknown>>

/** How one property is written. */
interface Slot {
  readonly number: number
  readonly write: Write
}

/** How the properties of a message are written. */
type Shape = ReadonlyMap<string, Property>

/** A field, or a oneof whose cases are fields. */
type Property = { readonly slot: Slot; readonly cases?: never } | { readonly slot?: never; readonly cases: Cases }

type Cases = ReadonlyMap<string, Slot>

const shapes = new WeakMap<DescMessage, Shape>()

function shapeOf(desc: DescMessage): Shape {
  const known = shapes.get(desc)
  if (known !== undefined) return known
  const shape = new Map<string, Property>()
  // Before its fields: messages may contain themselves.
  shapes.set(desc, shape)
  for (const member of desc.members) {
    shape.set(member.localName, member.kind === 'oneof' ? { cases: casesOf(member) } : { slot: slotOf(member) })
  }
  return shape
}

function casesOf(oneof: DescOneof): Cases {
  return new Map(oneof.fields.map((field) => [field.localName, slotOf(field)]))
}

function writeMessage(writer: BinaryWriter, shape: Shape, given: object): void {
  const slots: Slot[] = []
  const values: unknown[] = []
  // No entries: this is where the time goes, and they would be an array for each.
  for (const name in given) {
    const value = (given as Fields)[name]
    const property = value === undefined ? undefined : shape.get(name)
    if (property === undefined) refuseField(name, value)
    else if (property.slot !== undefined) insert(slots, values, property.slot, value)
    else insertCase(slots, values, property.cases, value)
  }
  for (let index = 0; index < slots.length; index++) slots[index]?.write(writer, values[index])
}

/** What the library adds to a message of its own is no field. */
function refuseField(name: string, value: unknown): void {
  if (value !== undefined && !name.startsWith('$')) throw new TypeError(`there is no field ${name}`)
}

function insertCase(slots: Slot[], values: unknown[], cases: Cases, oneof: unknown): void {
  const { case: name, value } = oneof as { readonly case?: string; readonly value?: unknown }
  if (name === undefined) return
  const slot = cases.get(name)
  if (slot === undefined) throw new TypeError(`there is no field ${name}`)
  insert(slots, values, slot, value)
}

/** Keeps the slots sorted by number. There are few of them, and most come in their order. */
function insert(slots: Slot[], values: unknown[], slot: Slot, value: unknown): void {
  slots.push(slot)
  values.push(value)
  for (let at = slots.length - 1; at > 0; at--) {
    const before = slots[at - 1]
    if (before === undefined || before.number < slot.number) return
    slots[at] = before
    values[at] = values[at - 1]
    slots[at - 1] = slot
    values[at - 1] = value
  }
}

function slotOf(field: DescField): Slot {
  return { number: field.number, write: writeOf(field) }
}

/** @see https://protobuf.dev/programming-guides/encoding/ */
function writeOf(field: DescField): Write {
  const always = writeValueOf(field) ?? byLibrary(field)
  if (field.fieldKind === 'list' || field.fieldKind === 'map' || field.oneof !== undefined) return always
  if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return always
  return (writer, value) => {
    if (!isZero(value)) always(writer, value)
  }
}

/** Undefined for what is rare, and has a form of its own. */
function writeValueOf(field: DescField): Write | undefined {
  const { number } = field
  if (field.fieldKind === 'map') return writeMapOf(field)
  if (field.fieldKind === 'list') return writeListOf(field)
  if (field.fieldKind === 'message') {
    return field.delimitedEncoding ? undefined : writeChildOf(number, field.message, field.oneof === undefined)
  }
  const type = field.fieldKind === 'enum' ? ScalarType.INT32 : field.scalar
  return writeScalarOf(number, type)
}

function writeListOf(field: DescField & { fieldKind: 'list' }): Write | undefined {
  const { number } = field
  if (field.listKind !== 'message') {
    const type = field.listKind === 'enum' ? ScalarType.INT32 : field.scalar
    return field.packed ? writePackedOf(number, type) : writeEach(writeScalarOf(number, type))
  }
  const write = field.delimitedEncoding ? undefined : writeChildOf(number, field.message)
  return write === undefined ? undefined : writeEach(write)
}

function writeEach(write: Write): Write {
  return (writer, values) => {
    for (const value of values as readonly unknown[]) write(writer, value)
  }
}

/** An entry is a message of a key, 1, and a value, 2. */
function writeMapOf(field: DescField & { fieldKind: 'map' }): Write | undefined {
  const { number } = field
  const write = field.mapKind === 'message' ? writeChildOf(2, field.message) : undefined
  if (write === undefined || field.mapKey !== ScalarType.STRING) return undefined
  return (writer, values) => {
    for (const [key, value] of Object.entries(values as Fields)) {
      writer.tag(number, WireType.LengthDelimited).fork()
      writer.tag(1, WireType.LengthDelimited).string(key)
      write(writer, value)
      writer.join()
    }
  }
}

/** Wrappers are given as what they wrap where they are a field of their own. */
function writeChildOf(number: number, message: DescMessage, unwrapped = false): Write | undefined {
  if (message.typeName === 'google.protobuf.Struct') return undefined
  if (unwrapped && isWrapperDesc(message)) {
    return (writer, value) => writeChild(writer, number, shapeOf(message), { value })
  }
  return (writer, value) => writeChild(writer, number, shapeOf(message), value as object)
}

function writeChild(writer: BinaryWriter, number: number, shape: Shape, given: object): void {
  writer.tag(number, WireType.LengthDelimited).fork()
  writeMessage(writer, shape, given)
  writer.join()
}

/** The library's bytes of a message with this field alone. */
function byLibrary(field: DescField): Write {
  const { parent, localName, oneof } = field
  return (writer, value) => {
    const alone: Fields =
      oneof === undefined ? { [localName]: value } : { [oneof.localName]: { case: localName, value } }
    writer.raw(toBinary(parent, create(parent, alone as MessageInitShape<DescMessage>)))
  }
}
