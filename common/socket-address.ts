import { isIP } from 'node:net'

/** An address and a port, as a socket takes them. */
export interface SocketAddress {
  /** IPv4 or IPv6 without brackets, or a host name where the place allows one. */
  readonly address: string
  readonly port: number
}

/** Reads `10.0.0.1:80`, `[::1]:80` or `name:80`; undefined where the text is none of them. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, v6, name, digits] = match
  const port = Number(digits)
  if (port < 1 || port > 65_535 || (v6 !== undefined && isIP(v6) !== 6)) return undefined
  return { address: v6 === undefined ? (name ?? '') : canonicalAddress(v6), port }
}

/** An IPv6 address in its one short form, so that addresses compare as text; everything else as it is. */
export function canonicalAddress(address: string): string {
  // A URL writes IPv6 addresses so; it knows no zones.
  if (isIP(address) !== 6 || address.includes('%')) return address
  return new URL(`http://[${address}]/`).hostname.slice(1, -1)
}

/** Whether an address stands for all addresses of its host, of one family or both. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** The inverse of {@link parseSocketAddress}. */
export function formatSocketAddress({ address, port }: SocketAddress): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
}
