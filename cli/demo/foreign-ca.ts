import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../common/log.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair } from '../../common/x509/keys.js'
import { initAuthority } from '../../controlplane/ca/authority.js'
import { issueLeaf } from '../../controlplane/ca/issue.js'

/** A certificate that looks like a service's of this mesh, signed by a CA that nobody trusts. */
export async function foreignCertificate(
  trustDomain: string,
  service: string,
): Promise<{ readonly keyPem: string; readonly chainPem: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'mesh-foreign-ca-'))
  try {
    const authority = await initAuthority(directory, { trustDomain, controlPlaneId: 'intruder' })
    const keys = generateKeyPair()
    const identity = { kind: 'service', trustDomain, name: service } as const
    const { chainPem } = issueLeaf(authority, { csrPem: buildCsr(keys), identity }, silentLog)
    return { keyPem: exportPrivateKey(keys.privateKey), chainPem }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
