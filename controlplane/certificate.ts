import type { Latest } from '../common/latest.js'
import type { Log } from '../common/log.js'
import { delay, type Task } from '../common/tasks.js'
import { buildCsr } from '../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair } from '../common/x509/keys.js'
import type { ServerCredentials } from './api/tls-server.js'
import type { Authority } from './ca/authority.js'
import { issueLeaf } from './ca/issue.js'

/** The control plane's own certificate, with the time when it ends, wall-clock milliseconds. */
export interface OwnCertificate extends ServerCredentials {
  readonly notAfter: number
  /** When it is to be renewed. */
  readonly renewAt: number
}

/** How often the clock is looked at, milliseconds: wall clocks jump, so no long timer is trusted. */
const TICK_MS = 30_000

/** Issues the certificate with which a control plane presents itself, with a new key. */
export function issueOwnCertificate(authority: Authority, id: string, ttl: number, log: Log): OwnCertificate {
  const keys = generateKeyPair()
  const now = Date.now()
  const identity = { kind: 'control-plane', trustDomain: authority.trustDomain, name: id } as const
  const { chainPem, notAfter } = issueLeaf(authority, { csrPem: buildCsr(keys), identity, ttl, now }, log)
  return {
    keyPem: exportPrivateKey(keys.privateKey),
    // The root goes with it, so that a host that joins can find it by the fingerprint in its token.
    chainPem: `${chainPem.trimEnd()}\n${authority.root.pem}`,
    trustBundlePem: authority.bundlePem,
    notAfter,
    // Of the life that it got: near the end of the intermediate that is less than was asked for.
    renewAt: now + (notAfter - now) / 2,
  }
}

/** Renews the certificate around half of its life; open connections stay. */
export function renewOwnCertificate(
  authority: Authority,
  id: string,
  ttl: number,
  current: Latest<OwnCertificate>,
  log: Log,
): Task {
  return async (signal) => {
    while (!signal.aborted) {
      const left = current.value.renewAt - Date.now()
      await delay(Math.max(10, Math.min(left, TICK_MS)), signal)
      if (signal.aborted || current.value.renewAt > Date.now()) continue
      try {
        current.set(issueOwnCertificate(authority, id, ttl, log))
      } catch (error) {
        log.error("the control plane's own certificate was not renewed", { error })
        await delay(TICK_MS, signal)
      }
    }
  }
}
