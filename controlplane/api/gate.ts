import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import type { Identity } from '../../common/identity.js'
import { type CallerKind, mayCall } from './authorization.js'
import type { CallCounter } from './call-counter.js'
import type { RefusalLog } from './refusal-log.js'
import { type Connection, formatCaller } from './tls-server.js'

/** Who a call comes from, by the connection on which it arrived. */
export type ConnectionOf = (peer: string) => Connection | undefined

/** The kind of caller as the authorization table names it. */
export function callerKind(identity: Identity | undefined): CallerKind {
  return identity === undefined ? 'anonymous' : identity.kind
}

/**
 * Holds every call of every method that is served against the authorization table before its handler sees it. Others
 * gRPC itself answers with UNIMPLEMENTED. A method that the table does not know is refused for everybody. Refused calls
 * are told to the log and counted.
 */
export function authorizationGate(
  connectionOf: ConnectionOf,
  log: RefusalLog,
  counter: CallCounter,
): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, proceed) {
            const connection = connectionOf(call.getPeer())
            const caller = callerKind(connection?.identity)
            if (connection !== undefined && mayCall(caller, method.path)) return proceed(metadata)
            const code = caller === 'anonymous' ? status.UNAUTHENTICATED : status.PERMISSION_DENIED
            const details = `${caller} may not call ${method.path}`
            log.refused({ peer: connection?.socket.remoteAddress, reason: describe(connection, details) })
            call.sendStatus({ code, details })
            counter.count(connection)
          },
        }),
    })
}

/** What is logged tells also which host or service it was. */
function describe(connection: Connection | undefined, details: string): string {
  return connection?.identity === undefined ? details : `${details}: ${formatCaller(connection.identity)}`
}
