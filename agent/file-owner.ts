import type { FileOwner } from '../common/config/read-file.js'

/**
 * Why a file must not decide what runs as the agent's user: it belongs to somebody else than root and the agent, or
 * others may write it. Undefined where it may.
 */
export function distrustFile(
  { uid, mode }: FileOwner,
  ownUser: number,
): { readonly reason: string; readonly hint: string } | undefined {
  if (uid !== 0 && uid !== ownUser) {
    return { reason: `it belongs to user ${uid}, neither to root nor to the user of the agent`, hint: 'chown root' }
  }
  return (mode & 0o022) === 0 ? undefined : { reason: 'others than its owner may write it', hint: 'chmod go-w' }
}
