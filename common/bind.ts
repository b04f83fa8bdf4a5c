import { formatSocketAddress, parseSocketAddress, type SocketAddress } from './socket-address.js'

/** A Unix socket in the file system. */
export interface UnixSocket {
  readonly kind: 'pipe'
  /** Absolute, at most {@link LONGEST_PATH} bytes. */
  readonly path: string
  /** Permission bits of the socket, 1–0o777. */
  readonly mode: number
}

/** Where a listener of Envoy takes connections of its own host. */
export type Bind = ({ readonly kind: 'tcp' } & SocketAddress) | UnixSocket

/** What a socket's address has room for: `sun_path` less its zero byte. @see unix(7) */
export const LONGEST_PATH = 107

/** For owner and group. */
export const DEFAULT_SOCKET_MODE = 0o660

/** `127.0.0.1:5432` or `unix:/run/mesh-envoy/upstreams/web/cache.sock`; the mode of a socket is not part of it. */
export function formatBind(bind: Bind): string {
  return bind.kind === 'pipe' ? `unix:${bind.path}` : formatSocketAddress(bind)
}

/** The inverse of {@link formatBind}. @param mode 0: the default */
export function parseBind(text: string, mode: number): Bind | undefined {
  if (text.startsWith('unix:'))
    return { kind: 'pipe', path: text.slice('unix:'.length), mode: mode || DEFAULT_SOCKET_MODE }
  const address = parseSocketAddress(text)
  return address && { kind: 'tcp', ...address }
}
