import { request } from 'node:http'
import { connect } from 'node:net'
import { formatSocketAddress, type SocketAddress } from '../../common/socket-address.js'
import type { Check } from './check.js'
import type { ProbeResult } from './check-state.js'

/**
 * Probes an application once, on a connection of its own that is closed before this resolves. What goes wrong is a result;
 * an aborted signal is a failed probe that nobody should look at.
 */
export async function probe(target: SocketAddress, check: Check, signal: AbortSignal): Promise<ProbeResult> {
  const timeout = AbortSignal.timeout(check.timeout)
  const either = AbortSignal.any([signal, timeout])
  try {
    if (check.what.kind === 'tcp') return await probeTcp(target, either)
    return await probeHttp(target, check.what.path, either)
  } catch (error) {
    const subject = check.what.kind === 'http' ? `GET ${check.what.path}: ` : ''
    const reason = timeout.aborted ? `no answer within ${check.timeout / 1000} s` : failureText(error)
    return { passed: false, detail: `${subject}${reason} on ${formatSocketAddress(target)}` }
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
