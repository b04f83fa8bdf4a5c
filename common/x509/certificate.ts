import { type KeyObject, sign } from 'node:crypto'
import { decodeDer, encodeDer } from './asn1.js'
import { bitString, explicit, integer, oid, sequence, setOf, time, utf8String } from './asn1-write.js'
import { type Extension, extensionsField } from './extensions.js'
import { OID } from './oids.js'

/** All that a certificate says. Nothing here is checked against a policy: that is the business of who asks for it. */
export interface CertificateFields {
  /** Big-endian, not negative. */
  readonly serial: Uint8Array
  /** DER of a name: byte for byte the subject of the signer's certificate. */
  readonly issuer: Buffer
  /** DER of a name; see {@link buildName}. */
  readonly subject: Buffer
  /** DER of the subject's public key. */
  readonly spkiDer: Buffer
  /** Wall-clock milliseconds; certificates tell whole seconds, so both are rounded down. */
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: readonly Extension[]
}

/** Builds and signs an X.509 v3 certificate with ECDSA and SHA-256. @returns its DER */
export function buildCertificate(fields: CertificateFields, signingKey: KeyObject): Buffer {
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const toBeSigned = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(fields.serial),
    algorithm,
    decodeDer(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    decodeDer(fields.subject),
    decodeDer(fields.spkiDer),
    extensionsField(3, fields.extensions),
  )
  const signature = sign('sha256', encodeDer(toBeSigned), signingKey)
  return encodeDer(sequence(toBeSigned, algorithm, bitString(signature)))
}

/** DER of a distinguished name that consists of a common name of at most 64 characters, or of nothing. */
export function buildName(commonName?: string): Buffer {
  if (commonName === undefined) return encodeDer(sequence())
  return encodeDer(sequence(setOf(sequence(oid(OID.commonName), utf8String(commonName)))))
}
