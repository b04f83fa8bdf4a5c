import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { checkFieldCount, TooManyFields } from '../../common/count-fields.js'
import { AgentMessageSchema } from '../../common/proto/mesh/v1/mesh_pb.js'

const report = (services: number, ports: number) =>
  toBinary(
    AgentMessageSchema,
    create(AgentMessageSchema, {
      message: {
        case: 'services',
        value: {
          services: Array.from({ length: services }, () => ({
            service: 'web',
            labels: { version: 'v1', zone: 'a' },
            ports: Array.from({ length: ports }, () => ({ name: 'http', port: 80 })),
          })),
        },
      },
    }),
  )

test('fields are counted with those of the messages inside, entries of maps as one', () => {
  // The report itself; of each service its field, name and two labels; of each port its field, name and number.
  const count = 1 + 3 * (1 + 1 + 2 + 2 * (1 + 2))
  assert.doesNotThrow(() => checkFieldCount(AgentMessageSchema, report(3, 2), count))
  assert.throws(() => checkFieldCount(AgentMessageSchema, report(3, 2), count - 1), TooManyFields)
})

test('what is no message is an error too, and so are groups in each other without end', () => {
  assert.throws(() => checkFieldCount(AgentMessageSchema, Uint8Array.of(0x12, 0x7f, 0x0a), 100))
  assert.throws(() => checkFieldCount(AgentMessageSchema, new Uint8Array(1_000_000).fill(0x0b), 100))
})
