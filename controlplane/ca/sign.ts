import { buildCertificate, type CertificateFields } from '../../common/x509/certificate.js'
import type { Authority } from './authority.js'

/** Signs a template with the intermediate's key, whatever it says. @returns the certificate's DER, not yet validated */
export function signTemplate(template: CertificateFields, authority: Pick<Authority, 'intermediateKey'>): Buffer {
  return buildCertificate(template, authority.intermediateKey)
}
