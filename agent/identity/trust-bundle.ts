import { X509Certificate } from 'node:crypto'
import { decodePem } from '../../common/x509/pem.js'

/**
 * Whether a text is certificates of authorities and nothing else. A host that took another one would trust nobody any more,
 * not even who could put it right.
 */
export function isTrustBundle(pem: string): boolean {
  try {
    return decodePem('CERTIFICATE', pem).every((der) => new X509Certificate(der).ca)
  } catch {
    // Whatever it is that cannot be read, it is no bundle.
    return false
  }
}
