import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { formatDuration } from '../../common/config/fields.js'
import { formatSpiffeId } from '../../common/identity.js'
import type { Log } from '../../common/log.js'
import { type RecoverRequest, type RecoverResponse, RecoverResponseSchema } from '../../common/proto/mesh/v1/mesh_pb.js'
import { verifyRecovery } from '../../common/x509/recovery-proof.js'
import { auditCertificate } from '../ca/audit.js'
import type { Authority } from '../ca/authority.js'
import type { HostRegistry } from '../ca/hosts.js'
import { type OldCertificate, readOldCertificate } from '../ca/old-certificate.js'
import { toCertificate } from './enrol.js'
import type { Issuer } from './issuer.js'
import { CallRefusal } from './unary.js'

/** What recovery decides by. */
export interface RecoverContext {
  readonly authority: Pick<Authority, 'trustDomain' | 'bundlePem'>
  readonly hosts: HostRegistry
  readonly issuer: Issuer
  /** How long after its end a certificate still proves who its host is, milliseconds. */
  readonly recoveryGrace: number
  readonly log: Log
  readonly now?: () => number
}

/** Why a host does not recover: for the audit, and for the caller. */
interface Refusal {
  readonly reason: string
  readonly message: string
  /** PERMISSION_DENIED unless given. */
  readonly code?: status
}

/** What no host of this mesh would send. */
const NOT_OURS: Refusal = {
  reason: 'no-host-certificate',
  message: 'the old certificate is none of a host of this mesh, with the intermediate that signed it',
  code: status.INVALID_ARGUMENT,
}

/** Before the key is proven nothing is told of the host. */
const NOT_PROVEN: Refusal = {
  reason: 'not-signed-by-the-old-key',
  message: 'the request is not signed by the key of the old certificate',
}

/**
 * Issues a certificate to a host whose own expired while no control plane could be asked. What proves the host is a
 * signature by the key of its old certificate, over the new CSR.
 *
 * @throws CallRefusal; each refusal is audited with its reason
 */
export async function recoverHost(request: RecoverRequest, context: RecoverContext): Promise<RecoverResponse> {
  const { authority, issuer, log } = context
  const old = readOldCertificate(request.oldChainPem, authority)
  if (old === undefined) throw refused('unknown', NOT_OURS, log)
  const refusal = judge(old, request, context)
  if (refusal !== undefined) throw refused(formatSpiffeId(old.host), refusal, log)
  const host = old.host.name
  const issued = await issuer.issue({ csrPem: request.csrPem, identity: old.host, host, provenBy: old.serial })
  log.info('a host recovered by its expired certificate', { host, serial: old.serial })
  return create(RecoverResponseSchema, { certificate: toCertificate(issued, issuer.trustBundlePem) })
}

function judge(old: OldCertificate, request: RecoverRequest, context: RecoverContext): Refusal | undefined {
  const { hosts, recoveryGrace, now = Date.now } = context
  const host = old.host.name
  const statement = { csrPem: request.csrPem, oldCertificate: old.der }
  if (!verifyRecovery(statement, old.publicKey, request.signature)) return NOT_PROVEN
  if (hosts.isBanned(host)) return { reason: 'banned', message: `host ${host} is banned` }
  const end = hosts.recoverableUntil(host, old.serial)
  const again = `"mesh host ${host} evict" and a new token let it join again`
  if (end === undefined) {
    const message = `the certificate is not the last one of host ${host} as it is enrolled now; ${again}`
    return { reason: 'not-the-last-certificate', message }
  }
  if (now() < end + recoveryGrace) return undefined
  const message = `the certificate expired more than ${formatDuration(recoveryGrace)} ago; ${again}`
  return { reason: 'expired-for-too-long', message }
}

function refused(
  identity: string,
  { reason, message, code = status.PERMISSION_DENIED }: Refusal,
  log: Log,
): CallRefusal {
  auditCertificate(log, { decision: 'refused', identity, reason })
  return new CallRefusal(code, message)
}
