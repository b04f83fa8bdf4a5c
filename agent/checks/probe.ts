import { request } from 'node:http'
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
      return await (what.kind === 'tcp' ? probeTcp(target, bounded) : probeHttp(target, what.path, bounded))
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
      const status = response.statusCode ?? 0
      response.destroy()
      resolve({ passed: status >= 200 && status < 400, detail: `GET ${path}: ${status}` })
    })
    call.once('error', reject)
    call.end()
  })
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
