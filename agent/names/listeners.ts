import { canonicalAddress, isWildcard } from '../../common/socket-address.js'
import { readListenerTable } from './listener-table.js'

/** A socket of this machine (of this network namespace) that takes TCP connections. */
export interface Listener {
  /** `0.0.0.0`, `127.0.0.1`, `::`; an IPv4 address in an IPv6 socket as IPv4. */
  readonly address: string
  readonly port: number
  /** Number of the socket, by which its process is found. */
  readonly inode: string
}

/** The state LISTEN in /proc/net/tcp. */
const LISTEN = '0A'

/**
 * Reads the listeners from the text of /proc/net/tcp or /proc/net/tcp6. Whether a socket on :: takes IPv4 too is not in
 * that file.
 */
export function parseListeners(text: string): readonly Listener[] {
  return text.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '') ?? []
    if (state !== LISTEN || address === '' || inode === undefined) return []
    return { address: formatAddress(address), port: Number.parseInt(port, 16), inode }
  })
}

/** All listeners, IPv4 and IPv6. A table that does not exist, as with IPv6 switched off, has none. */
export async function readListeners(
  read: (path: string) => Promise<string | undefined> = readListenerTable,
): Promise<readonly Listener[]> {
  const tables = await Promise.all([read('/proc/net/tcp'), read('/proc/net/tcp6')])
  return tables.flatMap((text = '') => parseListeners(text))
}

/** Whether a listener is on every address: then nothing else can listen on its port, not even on one of 127.0.0.0/8. */
export function onAllAddresses({ address }: Listener): boolean {
  return isWildcard(address)
}

/** Whether only programs of this machine reach it. */
export function onLoopback({ address }: Listener): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** The kernel writes each 32 bits as a number of its own byte order, which is little-endian on all machines we run on. */
function formatAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse())
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return bytes.slice(12).join('.')
  return canonicalAddress(groups.map((group) => group.toString(16)).join(':'))
}
