import { create } from '@bufbuild/protobuf'
import {
  type Certificate,
  type RecoverRequest,
  RecoverRequestSchema,
  type RecoverResponse,
} from '../../common/proto/mesh/v1/mesh_pb.js'
import { buildCsr } from '../../common/x509/csr.js'
import { exportPrivateKey, generateKeyPair, importPrivateKey } from '../../common/x509/keys.js'
import { decodePem } from '../../common/x509/pem.js'
import { signRecovery } from '../../common/x509/recovery-proof.js'
import type { KeyPairFile } from './store.js'

/** Asks a control plane, over a connection without a certificate. @throws when none grants it */
export type AskToRecover = (request: RecoverRequest) => Promise<RecoverResponse>

/**
 * Gets a certificate for a new key in the place of one that has expired, by a signature of the old key.
 *
 * @throws whatever `ask` throws
 */
export async function recoverKeyPair(
  old: KeyPairFile,
  ask: AskToRecover,
): Promise<{ readonly keyPem: string; readonly certificate: Certificate }> {
  const keys = generateKeyPair()
  const csrPem = buildCsr(keys)
  const { certificate } = await ask(buildRecovery(old, csrPem))
  if (certificate === undefined) throw new Error('the control plane answered without a certificate')
  return { keyPem: exportPrivateKey(keys.privateKey), certificate }
}

/** The request of a host that held this key pair, for the key of the CSR. */
export function buildRecovery({ keyPem, chainPem }: KeyPairFile, csrPem: string): RecoverRequest {
  const [oldCertificate = Buffer.alloc(0)] = decodePem('CERTIFICATE', chainPem)
  const signature = signRecovery({ csrPem, oldCertificate }, importPrivateKey(keyPem))
  return create(RecoverRequestSchema, { csrPem, oldChainPem: chainPem, signature })
}
