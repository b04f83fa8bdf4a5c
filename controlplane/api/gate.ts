import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import type { Identity } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import { type CallerKind, mayCall } from './authorization.js'
import type { Connection } from './tls-server.js'

/** Who a call comes from, by the connection on which it arrived. */
export type ConnectionOf = (peer: string) => Connection | undefined

/** The kind of caller as the authorization table names it. */
export function callerKind(identity: Identity | undefined): CallerKind {
  return identity === undefined ? 'anonymous' : identity.kind
}

/**
 * Holds every call of every method against the authorization table before its handler sees it. A method that the table
 * does not know is refused for everybody.
 */
export function authorizationGate(connectionOf: ConnectionOf, log: Log): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, proceed) {
            const connection = connectionOf(call.getPeer())
            const caller = callerKind(connection?.identity)
            if (connection !== undefined && mayCall(caller, method.path)) return proceed(metadata)
            const code = caller === 'anonymous' ? status.UNAUTHENTICATED : status.PERMISSION_DENIED
            log.warn('call refused', {
              method: method.path,
              caller,
              name: connection?.identity?.name,
              peer: call.getPeer(),
            })
            call.sendStatus({ code, details: `${caller} may not call ${method.path}` })
          },
        }),
    })
}
