import { performance } from 'node:perf_hooks'
import { create } from '@bufbuild/protobuf'
import type { Client } from '@grpc/grpc-js'
import type { Latest } from '../../common/latest.js'
import {
  type AgentMessage,
  AgentMessageSchema,
  type EnvoyReport,
  type HostReport,
  type ProblemsReport,
  type ServicesReport,
  type Welcome,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { type AnswerQuestion, answerer } from './answers.js'
import { openSession } from './calls.js'

/** How often the own clock is looked at, milliseconds. */
const CLOCK_TICK_MS = 5_000

/** By how much it may drift until the control plane is told the time again, milliseconds. */
const CLOCK_JUMP_MS = 10_000

/** What the agent tells every control plane; a part that did not change is the same object as before. */
export interface Reports {
  readonly host: HostReport
  readonly services: ServicesReport
  readonly envoy: EnvoyReport
  readonly problems: ProblemsReport
  /** True once the host leaves on purpose. */
  readonly leaving: boolean
}

/**
 * Runs one session with a control plane: sends what changed of the reports, passes on each welcome, answers questions. Ends when the host
 * leaves (after the control plane has taken note) or the signal aborts.
 *
 * @throws ServiceError when the stream breaks or the control plane ends it
 */
export function runSession(
  client: Client,
  reports: Latest<Reports>,
  onWelcome: (welcome: Welcome) => void,
  answer: AnswerQuestion,
  signal: AbortSignal,
): Promise<void> {
  const stream = openSession(client)
  const over = new AbortController()
  const answers = answerer(stream, answer, over.signal)
  const send = reportSender(
    (message) => stream.write(create(AgentMessageSchema, { message })),
    () => stream.end(),
  )
  const stop = () => stream.cancel()
  const unsubscribe = reports.subscribe(() => send(reports.value))
  signal.addEventListener('abort', stop)
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('data', ({ message }) => {
      if (message.case === 'welcome') onWelcome(message.value)
      else if (message.case === 'question') answers(message.value)
    })
    stream.on('error', (error) => (signal.aborted ? resolve() : reject(error)))
    stream.on('end', resolve)
  })
  const clock = setInterval(() => send(reports.value), CLOCK_TICK_MS)
  send(reports.value)
  if (signal.aborted) stop()
  return ended.finally(() => {
    over.abort()
    unsubscribe()
    clearInterval(clock)
    signal.removeEventListener('abort', stop)
  })
}

/** Sends each part when it differs from what was sent last; a leaving host says so once and half-closes. */
function reportSender(write: (message: AgentMessage['message']) => void, end: () => void): (reports: Reports) => void {
  let sent: Partial<Reports> = {}
  let clock = 0
  return (reports) => {
    if (sent.leaving === true) return
    const now = Date.now() - performance.now()
    if (reports.host !== sent.host || Math.abs(now - clock) > CLOCK_JUMP_MS) {
      clock = now
      write({ case: 'host', value: { ...reports.host, timeUnixMs: BigInt(Date.now()) } })
    }
    if (reports.services !== sent.services) write({ case: 'services', value: reports.services })
    if (reports.envoy !== sent.envoy) write({ case: 'envoy', value: reports.envoy })
    if (reports.problems !== sent.problems) write({ case: 'problems', value: reports.problems })
    if (reports.leaving) {
      write({ case: 'leaving', value: {} as never })
      end()
    }
    sent = reports
  }
}
