import { constants } from 'node:crypto'
import { createServer as createListener, type Server as Listener } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Identity } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import type { SocketAddress } from '../../common/socket-address.js'
import { LONGEST_TIMER_MS } from '../../common/tasks.js'
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

/** Longest life of a connection: certificates and bans are judged anew at the next one. Jittered by ±10 %. */
const MAX_AGE_MS = 12 * 3_600_000

/** Who has no certificate has come to enrol, and needs no longer than this, milliseconds. */
const ANONYMOUS_AGE_MS = 60_000

/** How often refused connections are told that were told before, milliseconds. */
const COUNT_REFUSALS_MS = 60_000

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
  readonly #dismissals: Dismissals
  readonly #refusals: RefusalLog
  readonly #minutes: NodeJS.Timeout
  readonly #options: TlsServerOptions
  readonly #connections = new Map<string, Connection>()
  #credentials: ServerCredentials

  constructor(options: TlsServerOptions) {
    this.#options = options
    this.#credentials = options.credentials
    const limits = options.limits ?? CONNECTION_LIMITS
    this.#anonymous = new Tally(limits.anonymous)
    this.#dismissals = new Dismissals(limits.dismissed)
    this.#refusals = new RefusalLog(options.log)
    this.#minutes = setInterval(() => this.#refusals.minute(), COUNT_REFUSALS_MS)
    this.#minutes.unref()
    this.#handshakes = new Handshakes(limits, (socket) => void this.#server.emit('connection', socket))
    this.#listener = createListener({ pauseOnConnect: true }, (socket) => this.#handshakes.arrive(socket))
    this.#server = createServer(
      {
        ...contextOf(options.credentials),
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
        handshakeTimeout: limits.handshakeMs,
      },
      (socket) => this.#admit(socket),
    )
    this.#server.on('tlsClientError', (error, socket) => {
      options.log.debug('TLS handshake failed', { error, peer: socket.remoteAddress })
      socket.destroy()
    })
    this.#listener.maxConnections = 20_000
  }

  /** Binds the port. @throws EADDRINUSE and its like. */
  async listen(): Promise<SocketAddress> {
    const { address, port } = this.#options.listen
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen(port, address, () => {
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
    clearInterval(this.#minutes)
    this.#refusals.minute()
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
    const giveBack = verdict.identity === undefined ? this.#anonymous.take(socket.remoteAddress) : () => undefined
    if (giveBack === undefined) {
      this.#options.log.debug('too many connections without a certificate', { peer: socket.remoteAddress })
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

  #lifeOf({ identity, certificate }: Verdict): number {
    const notAfter = certificate?.notAfter ?? Number.POSITIVE_INFINITY
    const { random = Math.random, now = Date.now } = this.#options
    if (identity === undefined) return ANONYMOUS_AGE_MS
    const age = MAX_AGE_MS * (0.9 + random() * 0.2)
    return Math.max(0, Math.min(age, notAfter - now(), LONGEST_TIMER_MS))
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

function contextOf({ keyPem, chainPem, trustBundlePem }: ServerCredentials) {
  return {
    key: keyPem,
    cert: chainPem,
    ca: trustBundlePem,
    minVersion: 'TLSv1.3' as const,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
