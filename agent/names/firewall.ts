import { execFile } from 'node:child_process'
import { hasCapability, readOwnStatus } from '../capabilities.js'
import { type Environment, scrubEnvironment } from '../envoy/environment.js'

/** Where distributions have `nft`, which is not in the PATH of every service. */
const MORE_PATH = '/usr/sbin:/sbin'

/** How long `nft` may take, milliseconds. */
const LIMIT_MS = 10_000

/** Loads a file of rules. @returns why it could not; undefined when it is loaded */
export type LoadRules = (path: string) => Promise<string | undefined>

/**
 * How this process loads rules of the firewall; undefined where it has no right to, as in a packaged agent: there systemd
 * does when the file changes.
 */
export async function firewallLoader(environment: Environment): Promise<LoadRules | undefined> {
  if (!hasCapability(await readOwnStatus(), 'NET_ADMIN')) return undefined
  const env = { ...scrubEnvironment(environment), PATH: `${environment['PATH'] ?? ''}:${MORE_PATH}` }
  return (path) =>
    new Promise((resolve) => {
      execFile('nft', ['-f', path], { env, timeout: LIMIT_MS }, (error, _, stderr) => {
        if (error === null) resolve(undefined)
        else resolve('code' in error && error.code === 'ENOENT' ? 'there is no nft' : stderr.trim() || error.message)
      })
    })
}
