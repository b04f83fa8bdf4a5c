import type { ServerHttp2Stream } from 'node:http2'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import type { Log } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import type { PresentedCertificate } from '../ca/admission.js'
import { CallCounter } from './call-counter.js'
import { authorizationGate } from './gate.js'
import { CONNECTION_LIMITS, type ConnectionLimits } from './limits.js'
import { RefusalLog } from './refusal-log.js'
import { type ServerCredentials as Certificates, type Connection, TlsServer } from './tls-server.js'

/** How the API is served. */
export interface ApiServerOptions {
  readonly listen: SocketAddress
  readonly credentials: Certificates
  readonly trustDomain: string
  /** Why a host with this certificate is not let in (banned, evicted); undefined: it is. */
  readonly refuseHost: (host: string, certificate: PresentedCertificate) => string | undefined
  /** {@link CONNECTION_LIMITS} unless given. */
  readonly limits?: ConnectionLimits
  readonly log: Log
}

/** Handlers learn by this who calls; undefined where the connection has ended meanwhile. */
export type CallerOf = (call: { getPeer(): string }) => Connection | undefined

/** What gRPC takes of one connection. Node's HTTP/2 below it cuts floods of frames that ask for answers, by its defaults. */
export const GRPC_OPTIONS = {
  'grpc.max_concurrent_streams': 100,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_send_message_length': -1,
  // Megabytes, mostly of responses that are not read yet: beyond, no stream begins. No agent needs a tenth of it.
  'grpc-node.max_session_memory': 64,
}

/**
 * The API on its port: our own TLS server, which knows and judges identities, hands each connection to gRPC; every call
 * passes the authorization table before its handler.
 */
export class ApiServer {
  readonly #tls: TlsServer
  readonly #grpc: Server
  readonly #injector: ReturnType<Server['createConnectionInjector']>
  readonly #refusals: RefusalLog

  /** @param register adds the services, given how a handler learns who calls */
  constructor(options: ApiServerOptions, register: (server: Server, callerOf: CallerOf) => void) {
    this.#tls = new TlsServer({ ...options, accept: (socket) => this.#injector.injectConnection(socket) })
    const connectionOf = (peer: string) => this.#tls.connectionOf(peer)
    const { keepalive, refusedCalls, callsPerMinute } = options.limits ?? CONNECTION_LIMITS
    this.#refusals = new RefusalLog(options.log, 'call')
    const refused = new CallCounter(refusedCalls, Number.POSITIVE_INFINITY)
    this.#grpc = new Server({
      ...GRPC_OPTIONS,
      'grpc.keepalive_time_ms': keepalive.afterMs,
      'grpc.keepalive_timeout_ms': keepalive.answerMs,
      interceptors: [authorizationGate(connectionOf, this.#refusals, refused)],
    })
    register(this.#grpc, (call) => connectionOf(call.getPeer()))
    // The connection is secure already: TLS ended in our own server.
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure())
    const calls = new CallCounter(callsPerMinute, 60_000)
    onEachCall(this.#grpc, (peer) => calls.count(connectionOf(peer)))
  }

  /** Binds the port. @throws EADDRINUSE and its like. */
  listen(): Promise<SocketAddress> {
    return this.#tls.listen()
  }

  replaceCredentials(credentials: Certificates): void {
    this.#tls.replaceCredentials(credentials)
  }

  /** Ends all connections of a host. @returns how many there were */
  disconnect(host: string): number {
    return this.#tls.disconnect(host)
  }

  /** Ends the connections of hosts that would not be let in any more. */
  reviewHosts(): void {
    this.#tls.reviewHosts()
  }

  async close(): Promise<void> {
    this.#injector.destroy()
    await this.#tls.close()
    this.#grpc.forceShutdown()
    this.#refusals.close()
  }
}

/**
 * Calls back for every stream that a peer opens, with its `address:port`: also for what gRPC answers itself and tells no
 * interceptor of, such as methods that are not served. grpc-js has no public way to its HTTP/2 servers.
 */
function onEachCall(grpc: Server, callback: (peer: string) => void): void {
  for (const server of grpc['http2Servers'].keys()) {
    server.on('stream', ({ session }: ServerHttp2Stream) => {
      // A session that has ended meanwhile has no socket any more.
      if (session !== undefined && !session.destroyed)
        callback(`${session.socket.remoteAddress}:${session.socket.remotePort}`)
    })
  }
}
