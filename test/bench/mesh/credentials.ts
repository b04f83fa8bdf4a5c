import { join } from 'node:path'
import { hostId, type Identity, parseSpiffeId } from '../../../common/identity.js'
import { silentLog } from '../../../common/log.js'
import { buildCsr } from '../../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair, keyHash, spkiOf } from '../../../common/x509/keys.js'
import { loadAuthority } from '../../../controlplane/ca/authority.js'
import { type HostRecord, hostsState } from '../../../controlplane/ca/host-record.js'
import { issueLeaf } from '../../../controlplane/ca/issue.js'
import { caDirectory } from '../../../controlplane/directories.js'
import { StateFile } from '../../../controlplane/state-file.js'
import type { Credentials } from '../load/connect.js'
import type { MeshDirectory } from './directory.js'
import { hostName, TRUST_DOMAIN } from './fleet.js'

/** What hosts hold that have joined. */
export interface JoinedHosts {
  /** By host. */
  readonly credentials: ReadonlyMap<string, Credentials>
  /** A request for any certificate, by the key of all these hosts. */
  readonly csrPem: string
}

/**
 * Lets hosts have joined, without asking a control plane: certificates from its authority, and its record of them. All
 * have one key, because making thousands takes longer than what is measured.
 */
export async function joinHosts({ settings, path }: MeshDirectory, count: number): Promise<JoinedHosts> {
  const authority = await loadAuthority(caDirectory(settings))
  const key = generateKeyPair()
  const [keyPem, csrPem, hash] = [exportPrivateKey(key.privateKey), buildCsr(key), keyHash(spkiOf(key.privateKey))]
  const credentials = new Map<string, Credentials>()
  const records: HostRecord[] = []
  for (let index = 0; index < count; index++) {
    const host = hostName(index)
    const identity = identityOf(host)
    const { chainPem, serial, notAfter, spiffeId } = issueLeaf(authority, { csrPem, identity, host }, silentLog)
    const certificates = [{ serial, notAfter, identity: spiffeId }]
    credentials.set(host, { keyPem, chainPem })
    records.push({ host, enrolledAt: Date.now(), keyHash: hash, services: ['svc-*'], certificates })
  }
  const file = await StateFile.open(join(path, 'hosts.json'), hostsState, { hosts: [] })
  await file.update(() => ({ state: { hosts: records }, result: undefined }))
  return { credentials, csrPem }
}

/** What the control plane of a directory presents itself with, for a null server in its place. */
export async function serverCredentials({ settings }: MeshDirectory) {
  const authority = await loadAuthority(caDirectory(settings))
  const key = generateKeyPair()
  const identity: Identity = { kind: 'control-plane', name: 'null', trustDomain: TRUST_DOMAIN }
  const { chainPem } = issueLeaf(authority, { csrPem: buildCsr(key), identity }, silentLog)
  return { keyPem: exportPrivateKey(key.privateKey), chainPem, trustBundlePem: authority.bundlePem }
}

function identityOf(host: string): Identity {
  const identity = parseSpiffeId(hostId(TRUST_DOMAIN, host))
  if (identity === undefined) throw new Error(`${host} is no name of a host`)
  return identity
}
