import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import type { Identity } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import { type CallerKind, mayCall } from './authorization.js'
import type { ConnectionLimits } from './limits.js'
import type { Connection } from './tls-server.js'

/** Who a call comes from, by the connection on which it arrived. */
export type ConnectionOf = (peer: string) => Connection | undefined

/** The kind of caller as the authorization table names it. */
export function callerKind(identity: Identity | undefined): CallerKind {
  return identity === undefined ? 'anonymous' : identity.kind
}

/**
 * Holds every call of every method against the authorization table before its handler sees it. A method that the table
 * does not know is refused for everybody. A connection that goes on to call what it may not, or that calls without end,
 * is closed.
 */
export function authorizationGate(connectionOf: ConnectionOf, log: Log, limits: CallLimits): ServerInterceptor {
  const refusals = new CallCounter(limits.refusedCalls, Number.POSITIVE_INFINITY)
  const calls = new CallCounter(limits.callsPerMinute, 60_000)
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, proceed) {
            const connection = connectionOf(call.getPeer())
            const caller = callerKind(connection?.identity)
            calls.count(connection)
            if (connection !== undefined && mayCall(caller, method.path)) return proceed(metadata)
            const code = caller === 'anonymous' ? status.UNAUTHENTICATED : status.PERMISSION_DENIED
            log.warn('call refused', {
              method: method.path,
              caller,
              name: connection?.identity?.name,
              peer: call.getPeer(),
            })
            call.sendStatus({ code, details: `${caller} may not call ${method.path}` })
            refusals.count(connection)
          },
        }),
    })
}

/** What one connection may call. */
type CallLimits = Pick<ConnectionLimits, 'refusedCalls' | 'callsPerMinute'>

/** Counts calls by connection, and closes one that makes too many in a span of time. */
class CallCounter {
  readonly #most: number
  readonly #span: number
  readonly #counts = new WeakMap<Connection, { since: number; count: number }>()

  /** @param span milliseconds */
  constructor(most: number, span: number) {
    this.#most = most
    this.#span = span
  }

  count(connection: Connection | undefined): void {
    if (connection === undefined) return
    const now = performance.now()
    const known = this.#counts.get(connection)
    const current = known === undefined || now - known.since > this.#span ? { since: now, count: 0 } : known
    this.#counts.set(connection, current)
    if (++current.count >= this.#most) connection.socket.destroy()
  }
}
