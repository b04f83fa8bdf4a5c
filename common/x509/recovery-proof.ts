import { createHash, type KeyObject, sign, verify } from 'node:crypto'

/** What a host says with its old key when it asks for a certificate after that key's own has expired. */
export interface RecoveryStatement {
  readonly csrPem: string
  /** DER of the old certificate itself, without its intermediates. */
  readonly oldCertificate: Uint8Array
}

/** No other signature by a key of the mesh begins like this: those of TLS begin with spaces, those of CSRs with 0x30. */
const PURPOSE = 'hostmesh: recover an expired certificate, version 1\n'

/** Signs the statement. @param oldKey of the old certificate */
export function signRecovery(statement: RecoveryStatement, oldKey: KeyObject): Buffer {
  return sign('sha256', textOf(statement), oldKey)
}

/**
 * Whether the statement was made by the holder of the old key. It names the CSR, so who repeats it gets a certificate
 * for a key that he does not have; therefore it needs no time, which a host that was off for long may not know.
 */
export function verifyRecovery(statement: RecoveryStatement, oldKey: KeyObject, signature: Uint8Array): boolean {
  return verify('sha256', textOf(statement), oldKey, signature)
}

function textOf({ csrPem, oldCertificate }: RecoveryStatement): Buffer {
  return Buffer.from(`${PURPOSE}csr ${sha256(csrPem)}\nold certificate ${sha256(oldCertificate)}\n`)
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
