import { Server, ServerCredentials } from '@grpc/grpc-js'
import type { Log } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import type { PresentedCertificate } from '../ca/admission.js'
import { authorizationGate } from './gate.js'
import { CONNECTION_LIMITS, type ConnectionLimits } from './limits.js'
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

/** gRPC's own limits: dead peers are noticed within 25 s, messages are bounded. */
const GRPC_OPTIONS = {
  'grpc.keepalive_time_ms': 15_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_concurrent_streams': 100,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_send_message_length': -1,
  // Megabytes; no agent needs a tenth of it.
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

  /** @param register adds the services, given how a handler learns who calls */
  constructor(options: ApiServerOptions, register: (server: Server, callerOf: CallerOf) => void) {
    this.#tls = new TlsServer({ ...options, accept: (socket) => this.#injector.injectConnection(socket) })
    const connectionOf = (peer: string) => this.#tls.connectionOf(peer)
    const gate = authorizationGate(connectionOf, options.log, options.limits ?? CONNECTION_LIMITS)
    this.#grpc = new Server({ ...GRPC_OPTIONS, interceptors: [gate] })
    register(this.#grpc, (call) => connectionOf(call.getPeer()))
    // The connection is secure already: TLS ended in our own server.
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure())
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
  }
}
