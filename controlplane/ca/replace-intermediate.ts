import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent, writeFileAtomically } from '../../common/files.js'
import { importPrivateKey, spkiOf } from '../../common/x509/keys.js'
import { parseCertificate } from '../../common/x509/parse-certificate.js'
import { decodePem } from '../../common/x509/pem.js'

/** Where a new key waits until its certificate is in place. */
const NEXT_KEY = 'intermediate.next.key'
const KEY = 'intermediate.key'
const CERTIFICATE = 'intermediate.pem'

/**
 * Replaces the key and the certificate of an intermediate as one step: the rename of the certificate decides. Whoever
 * loads the directory after a loss of power in between finds the old pair or the new one.
 */
export async function replaceIntermediate(directory: string, keyPem: string, certificatePem: string): Promise<void> {
  await writeFileAtomically(join(directory, NEXT_KEY), keyPem)
  await writeFileAtomically(join(directory, CERTIFICATE), certificatePem)
  await finishReplacement(directory)
}

/**
 * Puts a waiting key into its place if the certificate in place is its own. Else its certificate has not come yet, or
 * never will; it stays, since another process may be about to put the certificate in place.
 */
export async function finishReplacement(directory: string): Promise<void> {
  const next = join(directory, NEXT_KEY)
  const keyPem = await readIfPresent(next)
  if (keyPem === undefined) return
  const certificatePem = await readIfPresent(join(directory, CERTIFICATE))
  if (certificatePem !== undefined && belongTogether(keyPem, certificatePem)) await rename(next, join(directory, KEY))
}

function belongTogether(keyPem: string, certificatePem: string): boolean {
  try {
    const [der] = decodePem('CERTIFICATE', certificatePem)
    return der !== undefined && parseCertificate(der).spkiDer.equals(spkiOf(importPrivateKey(keyPem)))
  } catch {
    return false
  }
}
