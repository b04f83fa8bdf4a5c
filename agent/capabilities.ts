import { readIfPresent } from '../common/files.js'

/** Bits of capabilities. @see capabilities(7) */
export const CAPABILITIES = { NET_BIND_SERVICE: 10n, NET_ADMIN: 12n } as const

/**
 * Whether a process has a capability in effect.
 *
 * @param status text of `/proc/self/status`; undefined: it could not be read
 */
export function hasCapability(status: string | undefined, capability: keyof typeof CAPABILITIES): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1]
  return effective !== undefined && (BigInt(`0x${effective}`) & (1n << CAPABILITIES[capability])) !== 0n
}

/** Text of `/proc/self/status` for {@link hasCapability}. */
export function readOwnStatus(): Promise<string | undefined> {
  return readIfPresent('/proc/self/status')
}
