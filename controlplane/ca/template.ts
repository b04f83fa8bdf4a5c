import { formatSpiffeId, type Identity } from '../../common/identity.js'
import { buildName, type CertificateFields } from '../../common/x509/certificate.js'
import {
  authorityKeyIdentifier,
  basicConstraints,
  keyIdentifier,
  keyUsage,
  serverAndClientAuth,
  subjectAltUris,
  subjectKeyIdentifier,
} from '../../common/x509/extensions.js'
import type { Certificate } from '../../common/x509/parse-certificate.js'
import { BACKDATE_MS } from './ca-certificate.js'
import { newSerial } from './serial.js'

/** How long a leaf lives unless settings say otherwise; longer is not allowed. */
export const DEFAULT_LEAF_TTL_MS = 72 * 3_600_000

/** What a leaf is made of. */
export interface LeafRequest {
  readonly identity: Identity
  readonly spkiDer: Buffer
  /** Its whole life, milliseconds. */
  readonly ttl: number
  /** Wall-clock milliseconds. */
  readonly now: number
}

/**
 * What a leaf of the mesh says, by policy: the same for hosts, services and control planes. Its life begins 2 minutes
 * ago, since clocks differ; a short one begins only a tenth of it ago, or renewal at half of it would always be due.
 * It never reaches beyond the signer's.
 */
export function buildLeafTemplate(
  { identity, spkiDer, ttl, now }: LeafRequest,
  signer: Certificate,
): CertificateFields {
  const notBefore = now - Math.min(BACKDATE_MS, ttl / 10)
  return {
    serial: newSerial(),
    issuer: signer.subject,
    subject: buildName(),
    spkiDer,
    notBefore: Math.max(notBefore, signer.notBefore),
    notAfter: Math.min(notBefore + ttl, signer.notAfter),
    extensions: [
      basicConstraints({ ca: false }),
      keyUsage('digitalSignature'),
      serverAndClientAuth(),
      subjectKeyIdentifier(spkiDer),
      authorityKeyIdentifier(keyIdentifier(signer.spkiDer)),
      subjectAltUris([formatSpiffeId(identity)], true),
    ],
  }
}
