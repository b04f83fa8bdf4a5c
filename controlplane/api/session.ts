import { create } from '@bufbuild/protobuf'
import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import { readClock } from '../../common/clock-skew.js'
import { describeError, type Log } from '../../common/log.js'
import {
  type AgentMessage,
  type ControlPlaneMessage,
  ControlPlaneMessageSchema,
  type Question,
  type Welcome,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import type { AgentDirectory, SessionReports } from '../catalog/agents.js'
import { parseProblemsReport } from '../catalog/file-problems.js'
import { parseEnvoyReport, parseHostReport, parseServicesReport } from '../catalog/report.js'
import type { HostQuestions } from './questions.js'

/** A welcome but for the time, which is told as it is sent. */
export type WelcomeText = Omit<Welcome, '$typeName' | '$unknown' | 'timeUnixMs'>

/** What a session needs of the control plane. */
export interface SessionContext {
  readonly directory: AgentDirectory
  /** What to tell a host now, given the services that it reports. */
  readonly welcome: (host: string, reported: readonly string[]) => WelcomeText
  /** Calls back when {@link welcome} may answer differently, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void
  readonly questions: HostQuestions
  readonly log: Log
}

type Stream = ServerDuplexStream<AgentMessage, ControlPlaneMessage>

/**
 * Serves the session of one host for as long as its stream lives: passes on what the agent reports and tells the agent
 * what it may run, again whenever that changes.
 */
export function serveSession(stream: Stream, host: string, context: SessionContext): void {
  const log = context.log.child({ host })
  const end = (code: status, details: string) => stream.emit('error', { code, details })
  const reports = context.directory.begin(host)
  const peer = stream.getPeer()
  const supersede = () => end(status.ABORTED, 'a newer session of this host began')
  let claimed = false
  const claim = (id: string): boolean => {
    const holds = reports.claim({ id, peer, supersede })
    if (!holds && !claimed) {
      log.error('a second agent runs with the identity of this host, and is refused (a cloned disk)', { peer })
      end(status.ABORTED, 'another agent that started later runs with the identity of this host')
    }
    claimed = holds
    return holds
  }
  let reported: readonly string[] = []
  let line: ReturnType<HostQuestions['open']> | undefined
  const greetAll = welcomer(stream, () => context.welcome(host, reported))
  // Nobody is welcome before it is known whose session it is.
  const greet = () => claimed && greetAll()
  const unsubscribe = context.subscribe(greet)
  stream.on('drain', greet)
  stream.on('data', ({ message }: AgentMessage) => {
    try {
      if (message.case === 'host') {
        if (!claim(message.value.sessionId)) return
        // Only now: the questions of a host never go to who merely has its identity.
        line ??= context.questions.open(host, (question) => ask(stream, question))
      }
      receive(message, reports)
      if (message.case === 'answer') return line?.receive(message.value)
      if (message.case === 'services') reported = message.value.services.map(({ service }) => service)
      greet()
    } catch (error) {
      log.warn('report not understood', { error })
      end(status.INVALID_ARGUMENT, `report not understood: ${describeError(error)}`)
    }
  })
  const close = () => {
    unsubscribe()
    line?.close()
    reports.end()
  }
  stream.on('end', () => {
    close()
    stream.end()
  })
  stream.on('cancelled', close)
  stream.on('error', close)
}

function ask(stream: Stream, { id, about }: Pick<Question, 'id' | 'about'>): void {
  const message = { case: 'question', value: { id, about } }
  stream.write(create(ControlPlaneMessageSchema, { message: message as never }))
}

/** Passes one message on. A kind that a newer agent knows and this version does not is ignored, as the API promises. */
function receive(message: AgentMessage['message'], reports: SessionReports): void {
  if (message.case === 'host') {
    reports.host(parseHostReport(message.value))
    const time = Number(message.value.timeUnixMs)
    if (time !== 0) reports.clock(readClock(time))
  } else if (message.case === 'services') reports.services(parseServicesReport(message.value))
  else if (message.case === 'envoy') reports.envoy(parseEnvoyReport(message.value))
  else if (message.case === 'problems') reports.fileProblems(parseProblemsReport(message.value))
  else if (message.case === 'leaving') reports.leave()
}

/** Sends a welcome when it differs from the last one that was sent. */
function welcomer(stream: Stream, current: () => WelcomeText): () => void {
  let last = ''
  return () => {
    const value = current()
    const text = JSON.stringify(value)
    // To a host that does not read nothing is written; once it reads it gets the newest.
    if (text === last || stream.destroyed || stream.cancelled || stream.writableNeedDrain) return
    last = text
    stream.write(
      create(ControlPlaneMessageSchema, {
        message: { case: 'welcome', value: { ...value, timeUnixMs: BigInt(Date.now()) } as Welcome },
      }),
    )
  }
}
