import { type KeyObject, X509Certificate } from 'node:crypto'
import { type Identity, parseSpiffeId } from '../../common/identity.js'
import { DerError } from '../../common/x509/asn1.js'
import { type Certificate, parseCertificate } from '../../common/x509/parse-certificate.js'
import { decodePem, PemError } from '../../common/x509/pem.js'
import { spiffeUriOf } from '../../common/x509/read.js'
import type { Authority } from './authority.js'

/** A certificate that a host of this mesh had once, whatever the time is now. */
export interface OldCertificate {
  readonly host: Identity
  /** Lower-case hex. */
  readonly serial: string
  readonly der: Buffer
  readonly publicKey: KeyObject
}

/** Leaf and intermediate are far below this many bytes. */
const MAX_BYTES = 16 * 1024

interface Parsed {
  readonly x509: X509Certificate
  readonly certificate: Certificate
}

/**
 * Reads the chain of a host's certificate that may have expired: signed by an intermediate of our roots, whose own end
 * does not matter either.
 *
 * @returns undefined where it is none
 */
export function readOldCertificate(
  chainPem: string,
  { trustDomain, bundlePem }: Pick<Authority, 'trustDomain' | 'bundlePem'>,
): OldCertificate | undefined {
  const [leaf, intermediate, ...more] = parseChain(chainPem)
  if (leaf === undefined || intermediate === undefined || more.length > 0) return undefined
  const roots = parseChain(bundlePem)
  if (!isSignedBy(leaf, intermediate) || !roots.some((root) => isSignedBy(intermediate, root))) return undefined
  const host = parseSpiffeId(spiffeUriOf(leaf.certificate) ?? '')
  if (host?.kind !== 'host' || host.trustDomain !== trustDomain) return undefined
  const { x509, certificate } = leaf
  return { host, serial: certificate.serial.toString('hex'), der: x509.raw, publicKey: x509.publicKey }
}

function isSignedBy({ x509 }: Parsed, issuer: Parsed): boolean {
  const { basicConstraints, keyUsage } = issuer.certificate.values
  const mayIssue = basicConstraints?.ca === true && keyUsage.includes('keyCertSign')
  return mayIssue && x509.checkIssued(issuer.x509) && x509.verify(issuer.x509.publicKey)
}

/** The certificates of a text; none where it is anything else. */
function parseChain(pem: string): readonly Parsed[] {
  if (Buffer.byteLength(pem) > MAX_BYTES) return []
  try {
    return decodePem('CERTIFICATE', pem).map((der) => ({
      certificate: parseCertificate(der),
      x509: new X509Certificate(der),
    }))
  } catch (error) {
    if (error instanceof PemError || error instanceof DerError || isOpenSslError(error)) return []
    throw error
  }
}

function isOpenSslError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_OSSL')
}
