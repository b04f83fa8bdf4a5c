import { readIfPresent } from '../../common/files.js'
import { hasCapability, readOwnStatus } from '../capabilities.js'

/**
 * Ports below this one cannot be bound by this process, nor by the Envoy that it starts; 0 where all can.
 *
 * @param status text of `/proc/self/status`
 * @param unprivilegedStart text of `/proc/sys/net/ipv4/ip_unprivileged_port_start`
 */
export function firstPortToBind(status: string | undefined, unprivilegedStart: string | undefined): number {
  if (hasCapability(status, 'NET_BIND_SERVICE')) return 0
  const start = Number(unprivilegedStart?.trim() ?? '1024')
  return Number.isInteger(start) ? start : 1024
}

/** Reads what {@link firstPortToBind} judges. */
export async function readFirstPortToBind(): Promise<number> {
  const [status, start] = await Promise.all([
    readOwnStatus(),
    readIfPresent('/proc/sys/net/ipv4/ip_unprivileged_port_start'),
  ])
  return firstPortToBind(status, start)
}
