import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { DeadlineExceeded, withDeadline } from '../envoy/deadline.js'
import type { Check, CheckKind } from './check.js'
import type { ProbeResult } from './check-state.js'
import { createExecProbe } from './probe-exec.js'
import { probeGrpc } from './probe-grpc.js'

/** Probes an application once; an aborted signal is a failed probe that nobody should look at. */
export type Probe = (signal: AbortSignal) => Promise<ProbeResult>

/** What one check does again and again. */
export function createProbe(target: SocketAddress, check: Check): Probe {
  const { what, timeout } = check
  if (what.kind === 'exec') return createExecProbe(what, timeout)
  return (signal) => probePort(target, what, timeout, signal)
}

type PortCheck = Exclude<CheckKind, { readonly kind: 'exec' }>

/** Probes on a connection of its own that is closed before this resolves. What goes wrong is a result. */
function probePort(target: SocketAddress, what: PortCheck, timeout: number, signal: AbortSignal): Promise<ProbeResult> {
  return withDeadline(timeout, signal, async (bounded) => {
    try {
      return await ask(target, what, bounded)
    } catch (error) {
      const subject = what.kind === 'http' ? `GET ${what.path}: ` : ''
      const reason = bounded.reason instanceof DeadlineExceeded ? bounded.reason.message : failureText(error)
      return { passed: false, detail: `${subject}${reason} on ${formatSocketAddress(target)}` }
    }
  })
}

function ask(target: SocketAddress, what: PortCheck, signal: AbortSignal): Promise<ProbeResult> {
  switch (what.kind) {
    case 'tcp':
      return probeTcp(target, signal)
    case 'http':
      return (what.speaks === 'http2' ? probeHttp2 : probeHttp)(target, what.path, signal)
    case 'grpc':
      return probeGrpc(target, what.service, signal)
  }
}

function probeTcp({ address, port }: SocketAddress, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, signal })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve({ passed: true, detail: `port ${port} takes connections` })
    })
  })
}

/** Redirects pass and are not followed; the body is not read. */
function probeHttp({ address, port }: SocketAddress, path: string, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'hostmesh-check', connection: 'close' }
    const call = request({ host: address, port, path, headers, signal, agent: false }, (response) => {
      response.destroy()
      resolve(judgeStatus(path, response.statusCode))
    })
    call.once('error', reject)
    call.end()
  })
}

/** The same of an application that speaks HTTP/2 without TLS and without being asked first. */
function probeHttp2(target: SocketAddress, path: string, signal: AbortSignal): Promise<ProbeResult> {
  const session = connectHttp2(`http://${formatSocketAddress(target)}`)
  const answered = new Promise<ProbeResult>((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    session.on('error', reject)
    session.once('connect', () => {
      const call = session.request({ ':path': path, 'user-agent': 'hostmesh-check' })
      call.on('error', reject)
      call.once('response', ({ ':status': status }) => resolve(judgeStatus(path, status)))
    })
  })
  return answered.finally(() => session.destroy())
}

function judgeStatus(path: string, status = 0): ProbeResult {
  return { passed: status >= 200 && status < 400, detail: `GET ${path}: ${status}` }
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
}

function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const known = 'code' in error ? FAILURES[String(error.code)] : undefined
  return known ?? error.message
}
