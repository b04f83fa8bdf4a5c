import { once } from 'node:events'
import { create } from '@bufbuild/protobuf'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import { describeError } from '../../common/log.js'
import {
  type AgentMessage,
  AgentMessageSchema,
  type ControlPlaneMessage,
  type Question,
} from '../../common/proto/mesh/v1/mesh_pb.js'

/** Answers a question about this host's Envoy. @throws Error with what is in the way, for people */
export type AnswerQuestion = (about: string, signal: AbortSignal) => Promise<string>

type Stream = ClientDuplexStream<AgentMessage, ControlPlaneMessage>

/** Bytes of an answer in one message: far below what a receiver takes. */
const PART = 256 * 1024

/** Makes the function that takes questions and answers them one after the other, in parts that wait for the reader. */
export function answerer(stream: Stream, answer: AnswerQuestion, signal: AbortSignal): (question: Question) => void {
  let turn: Promise<void> = Promise.resolve()
  return ({ id, about }) => {
    turn = turn.then(() => reply(stream, id, () => answer(about, signal), signal))
  }
}

async function reply(stream: Stream, id: number, make: () => Promise<string>, signal: AbortSignal): Promise<void> {
  const send = (part: Uint8Array, last: boolean, error = '') =>
    stream.writableEnded ||
    stream.write(create(AgentMessageSchema, { message: { case: 'answer', value: { id, part, last, error } } as never }))
  try {
    const bytes = Buffer.from(await make(), 'utf8')
    for (let at = 0; at < bytes.length && !signal.aborted; at += PART) {
      if (!send(bytes.subarray(at, at + PART), false)) await once(stream, 'drain', { signal })
    }
    if (!signal.aborted) send(Buffer.of(), true)
  } catch (error) {
    // Who asked is gone with the stream.
    if (!signal.aborted) send(Buffer.of(), true, describeError(error).slice(0, 1000))
  }
}
