import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'

/** A P-256 key pair; the private key never leaves the machine that made it. */
export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** A private key that cannot be read, or is of another kind than the mesh uses. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}

/** Makes an ECDSA P-256 key pair, in less than a millisecond. */
export function generateKeyPair(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
}

/** PKCS#8 PEM, unencrypted: what Envoy and Node read. Write it to files of mode 0600 only. */
export function exportPrivateKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Reads an unencrypted PEM key. @throws KeyError when it is none, or not ECDSA P-256; never with a part of the key */
export function importPrivateKey(pem: string): KeyObject {
  const key = parsePrivateKey(pem)
  if (curveOf(key) !== 'prime256v1') throw new KeyError('the private key is not an ECDSA P-256 key')
  return key
}

function parsePrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    // The lower error is left out on purpose: nothing about the text of a key may reach a log.
    throw new KeyError('not a private key in PEM')
  }
}

/** OpenSSL's name of a key's curve, such as `prime256v1`; undefined for keys that are not elliptic. */
export function curveOf(key: KeyObject): string | undefined {
  return key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined
}

/** The SubjectPublicKeyInfo of a key; of a private key, that of its public half. */
export function spkiOf(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** SHA-256 of a SubjectPublicKeyInfo in lower-case hex: what a join token's use is bound to. */
export function keyHash(spkiDer: Uint8Array): string {
  return createHash('sha256').update(spkiDer).digest('hex')
}

/** Whether two byte strings are equal, in a time that tells nothing of where they differ. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
