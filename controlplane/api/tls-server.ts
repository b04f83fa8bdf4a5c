import { constants } from 'node:crypto'
import { createServer as createListener, type Server as Listener } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Identity } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { type PeerCertificate, readPeerCertificate } from '../../common/x509/read.js'
import type { PresentedCertificate } from '../ca/admission.js'
import { Dismissals } from './dismissals.js'
import { Handshakes } from './handshakes.js'
import { CONNECTION_LIMITS, type ConnectionLimits } from './limits.js'
import { RefusalLog } from './refusal-log.js'
import { Tally } from './tally.js'

/** The certificate with which the control plane presents itself, and the roots by which it judges clients. */
export interface ServerCredentials {
  readonly keyPem: string
  /** Leaf, intermediate, and the root too: a host that joins finds it by its fingerprint. */
  readonly chainPem: string
  readonly trustBundlePem: string
}

/** One accepted connection with the identity that TLS verified; undefined: no client certificate. */
export interface Connection {
  readonly socket: TLSSocket
  readonly identity: Identity | undefined
  readonly certificate: PeerCertificate | undefined
}

/**
 * Connections that the kernel holds until they are accepted. Those beyond try again after a second, then after three: a
 * herd of hosts would wait for that. The kernel's own bound, net.core.somaxconn, holds as well.
 */
const BACKLOG = 4_096

/** What is made of a connection: why it is refused, or whose it is and until when. */
interface Verdict {
  readonly refused?: string
  /** Whether it is a host of this mesh that is refused, by its verified certificate: it may know why. */
  readonly mayKnow?: true
  readonly identity?: Identity | undefined
  readonly certificate?: PeerCertificate
}

/** How the server judges connections. */
export interface TlsServerOptions {
  readonly listen: SocketAddress
  readonly credentials: ServerCredentials
  readonly trustDomain: string
  /** Why a host with this certificate is not let in (banned, evicted); undefined: it is. */
  readonly refuseHost: (host: string, certificate: PresentedCertificate) => string | undefined
  /** Called once for each connection that was let in; gRPC runs on it from then on. */
  readonly accept: (socket: TLSSocket) => void
  /** {@link CONNECTION_LIMITS} unless given. */
  readonly limits?: ConnectionLimits | undefined
  readonly log: Log
  readonly now?: () => number
  readonly random?: () => number
}

/**
 * The TLS 1.3 server of the API. It asks for a client certificate, refuses one that is not of this mesh, expired or of
 * a banned host, lets in who has none (for enrolment alone), and ends each connection at the latest when its
 * certificate expires. A host of this mesh that is refused is told why. There are no session tickets: a resumed session would skip all of this.
 */
export class TlsServer {
  /** Accepts connections; the other one never listens, and makes TLS of what it is handed. */
  readonly #listener: Listener
  readonly #server: Server
  readonly #handshakes: Handshakes
  readonly #anonymous: Tally
  readonly #identified: Tally
  readonly #dismissals: Dismissals
  readonly #refusals: RefusalLog
  readonly #limits: ConnectionLimits
  readonly #options: TlsServerOptions
  readonly #connections = new Map<string, Connection>()
  #credentials: ServerCredentials

  constructor(options: TlsServerOptions) {
    this.#options = options
    this.#credentials = options.credentials
    const limits = options.limits ?? CONNECTION_LIMITS
    this.#limits = limits
    this.#anonymous = new Tally(limits.anonymous)
    this.#identified = new Tally(limits.identified)
    this.#dismissals = new Dismissals(limits.dismissed)
    this.#refusals = new RefusalLog(options.log, 'connection')
    this.#handshakes = new Handshakes(limits, (socket) => void this.#server.emit('connection', socket))
    this.#listener = createListener({ pauseOnConnect: true }, (socket) => this.#handshakes.arrive(socket))
    this.#server = createServer(
      {
        ...contextOf(options.credentials),
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
      },
      (socket) => this.#admit(socket),
    )
    this.#server.on('tlsClientError', (error, socket) => {
      options.log.debug('TLS handshake failed', { error, peer: socket.remoteAddress })
      socket.destroy()
    })
    this.#listener.maxConnections = limits.connections
  }

  /** Binds the port. @throws EADDRINUSE and its like. */
  async listen(): Promise<SocketAddress> {
    const { address, port } = this.#options.listen
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen({ port, host: address, backlog: BACKLOG }, () => {
        this.#listener.off('error', reject)
        this.#listener.on('error', (error) => this.#options.log.error('accepting connections failed', { error }))
        resolve()
      })
    })
    const bound = this.#listener.address() as { address: string; port: number }
    return { address: bound.address, port: bound.port }
  }

  /** The connection of a gRPC call, by the `address:port` of its peer that gRPC tells. */
  connectionOf(peer: string): Connection | undefined {
    return this.#connections.get(peer)
  }

  /** Presents another certificate from the next handshake on; open connections stay. */
  replaceCredentials(credentials: ServerCredentials): void {
    this.#credentials = credentials
    this.#server.setSecureContext(contextOf(this.#credentials))
  }

  /** Ends all connections of a host at once. */
  disconnect(host: string): number {
    const theirs = [...this.#connections.values()].filter(
      ({ identity }) => identity?.kind === 'host' && identity.name === host,
    )
    for (const { socket } of theirs) socket.destroy()
    return theirs.length
  }

  /** Judges the hosts anew that are connected, and ends the connections of those that would not be let in now. */
  reviewHosts(): void {
    for (const { socket, identity, certificate } of this.#connections.values()) {
      if (identity?.kind !== 'host' || certificate === undefined) continue
      const reason = this.#options.refuseHost(identity.name, certificate)
      if (reason === undefined) continue
      this.#options.log.warn('connection ended', { peer: socket.remoteAddress, reason })
      socket.destroy()
    }
  }

  /** Stops listening and ends every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    this.#handshakes.close()
    this.#refusals.close()
    this.#dismissals.close()
    for (const { socket } of this.#connections.values()) socket.destroy()
    await closed
  }

  #admit(socket: TLSSocket): void {
    this.#handshakes.succeeded(`${socket.remoteAddress}:${socket.remotePort}`)
    const verdict = this.#judge(socket)
    if (verdict.refused !== undefined) {
      this.#refusals.refused({ peer: socket.remoteAddress, reason: verdict.refused })
      if (verdict.mayKnow) this.#dismissals.dismiss(socket, verdict.refused)
      else socket.destroy()
      return
    }
    if (socket.destroyed || socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    const giveBack = this.#take(verdict, socket.remoteAddress)
    if (giveBack === undefined) {
      const whose = verdict.identity === undefined ? 'without a certificate' : `of ${formatCaller(verdict.identity)}`
      this.#refusals.refused({ peer: socket.remoteAddress, reason: `too many connections ${whose}` })
      socket.destroy()
      return
    }
    const peer = `${socket.remoteAddress}:${socket.remotePort}`
    this.#connections.set(peer, { socket, identity: verdict.identity, certificate: verdict.certificate })
    const timer = setTimeout(() => socket.destroy(), this.#lifeOf(verdict))
    timer.unref()
    socket.on('error', (error) => this.#options.log.debug('connection failed', { peer, error }))
    socket.on('close', () => {
      clearTimeout(timer)
      giveBack()
      if (this.#connections.get(peer)?.socket === socket) this.#connections.delete(peer)
    })
    this.#options.accept(socket)
  }

  /** Counts one more connection of an identity, or of an address where it has none; undefined: these are too many. */
  #take({ identity }: Verdict, address: string): (() => void) | undefined {
    return identity === undefined ? this.#anonymous.take(address) : this.#identified.take(formatCaller(identity))
  }

  #lifeOf({ certificate }: Verdict): number {
    if (certificate === undefined) return this.#limits.anonymousMs
    const { random = Math.random, now = Date.now } = this.#options
    const age = this.#limits.identifiedMs * (0.9 + random() * 0.2)
    return Math.max(0, Math.min(age, certificate.notAfter - now()))
  }

  #judge(socket: TLSSocket): Verdict {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return { identity: undefined }
    if (!socket.authorized) return { refused: `certificate not accepted: ${String(socket.authorizationError)}` }
    const presented = readPeerCertificate(certificate.raw)
    const { identity } = presented
    if (identity === undefined) return { refused: 'certificate without exactly one SPIFFE ID of this mesh' }
    if (identity.trustDomain !== this.#options.trustDomain)
      return { refused: `foreign trust domain ${identity.trustDomain}` }
    if (presented.notAfter <= (this.#options.now ?? Date.now)()) return { refused: 'certificate expired' }
    const refused = identity.kind === 'host' ? this.#options.refuseHost(identity.name, presented) : undefined
    if (refused !== undefined) return { refused, mayKnow: true }
    return { identity, certificate: presented }
  }
}

/** `host web-1`: a caller with a certificate, for the log. */
export function formatCaller({ kind, name }: Identity): string {
  return `${kind} ${name}`
}

function contextOf({ keyPem, chainPem, trustBundlePem }: ServerCredentials) {
  return {
    key: keyPem,
    cert: chainPem,
    ca: trustBundlePem,
    minVersion: 'TLSv1.3' as const,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
