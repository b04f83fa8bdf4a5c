import { createHash, X509Certificate } from 'node:crypto'
import { type Identity, parseSpiffeId } from '../identity.js'
import { DerError } from './asn1.js'
import { type Certificate, parseCertificate } from './parse-certificate.js'

/** What matters about the certificate that a peer presented, once TLS has verified its chain. */
export interface PeerCertificate {
  /** Undefined where the certificate does not carry exactly one URI, or that is no SPIFFE ID of a mesh. */
  readonly identity: Identity | undefined
  /** Lower-case hex, as at issue; empty where the certificate could not be read. */
  readonly serial: string
  /** DER of the name of who signed it; empty where the certificate could not be read. */
  readonly issuer: Buffer
  /** Wall-clock milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
}

/** Nobody, and long expired. */
const UNREADABLE: PeerCertificate = {
  identity: undefined,
  serial: '',
  issuer: Buffer.alloc(0),
  notBefore: 0,
  notAfter: 0,
}

/**
 * Reads a certificate from its raw DER, never from Node's display strings, in which a name can contain what separates
 * names. Never throws, since it is called from inside TLS: what cannot be read is nobody's and has expired.
 */
export function readPeerCertificate(certificate: X509Certificate | Uint8Array): PeerCertificate {
  try {
    const parsed = parseCertificate(certificate instanceof X509Certificate ? certificate.raw : certificate)
    const uri = spiffeUriOf(parsed)
    return {
      identity: uri === undefined ? undefined : parseSpiffeId(uri),
      serial: parsed.serial.toString('hex'),
      issuer: parsed.issuer,
      notBefore: parsed.notBefore,
      notAfter: parsed.notAfter,
    }
  } catch (error) {
    if (error instanceof DerError) return UNREADABLE
    throw error
  }
}

/** The URI of a certificate that has exactly one; undefined where it has none or several. */
export function spiffeUriOf(certificate: Certificate): string | undefined {
  const [uri, ...more] = certificate.values.alternativeNames.filter(({ kind }) => kind === 'uri')
  return more.length === 0 ? uri?.value : undefined
}

/** SHA-256 of a certificate's DER in lower-case hex: by it a join token names the root. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}
