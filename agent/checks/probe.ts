import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import { DeadlineExceeded, withDeadline } from '../envoy/deadline.js'
import type { Check } from './check.js'
import type { ProbeResult } from './check-state.js'

/**
 * Probes an application once, on a connection of its own that is closed before this resolves. What goes wrong is a
 * result; an aborted signal is a failed probe that nobody should look at.
 */
export function probe(target: SocketAddress, check: Check, signal: AbortSignal): Promise<ProbeResult> {
  const { what, timeout } = check
  return withDeadline(timeout, signal, async (bounded) => {
    try {
      if (what.kind === 'tcp') return await probeTcp(target, bounded)
      return await (what.speaks === 'http2' ? probeHttp2 : probeHttp)(target, what.path, bounded)
    } catch (error) {
      const subject = what.kind === 'http' ? `GET ${what.path}: ` : ''
      const reason = bounded.reason instanceof DeadlineExceeded ? bounded.reason.message : failureText(error)
      return { passed: false, detail: `${subject}${reason} on ${formatSocketAddress(target)}` }
    }
  })
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
