import { request } from 'node:http'
import type { AdminError } from '../common/admin-api.js'
import { CommandFailure, EXIT } from './exit.js'

/** The admin socket unless `--socket` or MESH_ADMIN_SOCKET says otherwise. */
export const DEFAULT_SOCKET = '/run/mesh-controlplane/admin.sock'

/**
 * Asks the control plane on its admin socket.
 *
 * @throws CommandFailure unreachable, without permission, or with the control plane's own text
 */
export async function askControlPlane<T>(
  socketPath: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const { status, text } = await exchange(socketPath, method, path, body)
  const answer = parse(text)
  if (status === 200) return answer as T
  const { error = text, hint } = answer as Partial<AdminError>
  throw new CommandFailure(exitCodeOf(status), error, hint)
}

function exitCodeOf(status: number): number {
  if (status === 404) return EXIT.noSuchFile
  if (status === 503) return EXIT.unreachable
  if (status === 429 || status === 504) return EXIT.tryAgain
  return status < 500 ? EXIT.invalidInput : EXIT.other
}

function exchange(socketPath: string, method: string, path: string, body: unknown) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request(
      { socketPath, method, path, headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        response.on('error', (error) => reject(failure(socketPath, error)))
      },
    )
    outgoing.on('error', (error) => reject(failure(socketPath, error)))
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function failure(socketPath: string, error: Error & { code?: string }): CommandFailure {
  if (error.code === 'EACCES') {
    return new CommandFailure(
      EXIT.permission,
      `no permission to open ${socketPath}`,
      'use sudo, or a user of the group of the socket: docs/getting-started.md tells how to give it one',
      error,
    )
  }
  const hint = 'is the control plane running on this host? Another socket: --socket PATH or MESH_ADMIN_SOCKET'
  return new CommandFailure(
    EXIT.unreachable,
    `the control plane does not answer at ${socketPath}: ${error.message}`,
    hint,
    error,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
