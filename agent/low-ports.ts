import { readIfPresent } from '../common/files.js'

/** Bit of CAP_NET_BIND_SERVICE. @see capabilities(7) */
const NET_BIND_SERVICE = 1n << 10n

/**
 * Ports below this one cannot be bound by this process, nor by the Envoy that it starts; 0 where all can.
 *
 * @param status text of `/proc/self/status`
 * @param unprivilegedStart text of `/proc/sys/net/ipv4/ip_unprivileged_port_start`
 */
export function firstPortToBind(status: string | undefined, unprivilegedStart: string | undefined): number {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1]
  if (effective !== undefined && (BigInt(`0x${effective}`) & NET_BIND_SERVICE) !== 0n) return 0
  const start = Number(unprivilegedStart?.trim() ?? '1024')
  return Number.isInteger(start) ? start : 1024
}

/** Reads what {@link firstPortToBind} judges. */
export async function readFirstPortToBind(): Promise<number> {
  const [status, start] = await Promise.all([
    readIfPresent('/proc/self/status'),
    readIfPresent('/proc/sys/net/ipv4/ip_unprivileged_port_start'),
  ])
  return firstPortToBind(status, start)
}
