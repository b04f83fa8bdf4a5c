import { ownAddress } from '../common/own-address.js'
import { isWildcard, type SocketAddress } from '../common/socket-address.js'
import type { ControlPlaneSettings } from './settings-schema.js'

/**
 * Where hosts find control planes, as join tokens tell them: what `advertise` says, else where this one listens. An
 * address that stands for all leads nowhere on another host: the one of this host's default route takes its place, or
 * loopback where there is no route.
 */
export async function reachableAt(
  { advertise }: ControlPlaneSettings,
  bound: SocketAddress,
): Promise<readonly SocketAddress[]> {
  if (advertise.length > 0) return advertise
  if (!isWildcard(bound.address)) return [bound]
  return [{ address: (await ownAddress()) ?? '127.0.0.1', port: bound.port }]
}
