import { readIfPresent } from '../../common/files.js'

/** The state LISTEN in /proc/net/tcp. */
const LISTEN = '0A'

/** 0.0.0.0, ::, and 0.0.0.0 as an IPv6 socket has it, in the kernel's notation. */
const WILDCARDS: ReadonlySet<string> = new Set([
  '0'.repeat(8),
  '0'.repeat(32),
  `${'0'.repeat(16)}FFFF0000${'0'.repeat(8)}`,
])

/**
 * Reads the ports that some process listens on at every address, from the text of /proc/net/tcp or /proc/net/tcp6; each
 * once, in ascending order. Envoy cannot listen on such a port at any address, not even at one of 127.0.0.0/8. Whether
 * a socket on :: takes IPv4 too is not in that file, so it counts.
 */
export function parseOccupiedPorts(text: string): readonly number[] {
  const ports = text.split('\n').map(wildcardPort)
  return sortedOnce(ports.filter((port) => port !== undefined))
}

/**
 * The ports of this machine (of this network namespace) that have a wildcard listener, IPv4 and IPv6, ascending. A
 * table that does not exist, as with IPv6 switched off, has none.
 */
export async function readOccupiedPorts(
  read: (path: string) => Promise<string | undefined> = readIfPresent,
): Promise<readonly number[]> {
  const tables = await Promise.all([read('/proc/net/tcp'), read('/proc/net/tcp6')])
  return sortedOnce(tables.flatMap((text = '') => parseOccupiedPorts(text)))
}

function wildcardPort(line: string): number | undefined {
  const [, local, , state] = line.trim().split(/\s+/)
  const [address, port] = local?.split(':') ?? []
  if (state !== LISTEN || address === undefined || port === undefined || !WILDCARDS.has(address)) return undefined
  return Number.parseInt(port, 16)
}

function sortedOnce(ports: readonly number[]): readonly number[] {
  return [...new Set(ports)].sort((a, b) => a - b)
}
