import { type KeyObject, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { DNS_NAME } from '../../common/identity.js'
import { describeError } from '../../common/log.js'
import { importPrivateKey, spkiOf } from '../../common/x509/keys.js'
import { type Certificate, parseCertificate } from '../../common/x509/parse-certificate.js'
import { decodePem } from '../../common/x509/pem.js'
import { fingerprintOf, spiffeUriOf } from '../../common/x509/read.js'
import { AuthorityError } from './authority-error.js'

/** A CA's certificate in all the forms that are needed. */
export interface CaCertificate {
  readonly pem: string
  readonly der: Buffer
  readonly x509: X509Certificate
  readonly certificate: Certificate
}

/** The text of each file of a CA. */
export interface CaFiles {
  /** Empty where the root's key is kept elsewhere. */
  readonly rootKey: string
  readonly root: string
  readonly intermediateKey: string
  readonly intermediate: string
  readonly bundle: string
}

/** What a control plane signs with, checked as a whole. */
export interface Authority {
  readonly trustDomain: string
  readonly root: CaCertificate
  readonly intermediate: CaCertificate
  readonly intermediateKey: KeyObject
  /** All roots that are trusted now, PEM. */
  readonly bundlePem: string
  /** SHA-256 of the root, lower-case hex, as join tokens carry it. */
  readonly rootFingerprint: string
}

/**
 * Makes an authority of what lies on the disk, if all of it fits together and is valid now.
 *
 * @param directory for messages
 * @throws AuthorityError
 */
export function checkAuthority(directory: string, files: CaFiles, now: number): Authority {
  const at = (name: string) => join(directory, name)
  const root = parseCa(at('root.pem'), files.root)
  const intermediate = parseCa(at('intermediate.pem'), files.intermediate)
  if (files.rootKey !== '') checkKey(at('root.key'), files.rootKey, root)
  const intermediateKey = checkKey(at('intermediate.key'), files.intermediateKey, intermediate)
  checkChain(at('root.pem'), root, root)
  checkChain(at('intermediate.pem'), intermediate, root)
  if (intermediate.certificate.values.basicConstraints?.pathLength !== 0) {
    throw new AuthorityError('not-chained', `${at('intermediate.pem')} may sign other CAs; it must have path length 0`)
  }
  const trustDomain = trustDomainOf(at('root.pem'), root)
  if (trustDomainOf(at('intermediate.pem'), intermediate) !== trustDomain) {
    throw new AuthorityError('not-chained', `${at('intermediate.pem')} is of another trust domain than the root`)
  }
  checkTimes(at('root.pem'), root, now)
  checkTimes(at('intermediate.pem'), intermediate, now, '; renew it with "mesh ca issue --renew"')
  checkBundle(at('bundle.pem'), files.bundle, root)
  const rootFingerprint = fingerprintOf(root.der)
  return { trustDomain, root, intermediate, intermediateKey, bundlePem: files.bundle, rootFingerprint }
}

/** Reads the certificate of a CA. @throws AuthorityError `malformed` */
export function parseCa(path: string, pem: string): CaCertificate {
  try {
    const [der, ...more] = decodePem('CERTIFICATE', pem)
    if (der === undefined || more.length > 0) throw new Error('not one certificate')
    return { pem, der, x509: new X509Certificate(der), certificate: parseCertificate(der) }
  } catch (cause) {
    throw new AuthorityError('malformed', `${path} is not one certificate of a CA: ${describeError(cause)}`, cause)
  }
}

/** The private key of a CA. @throws AuthorityError where it is none, or that of another certificate */
export function checkKey(path: string, pem: string, ca: CaCertificate): KeyObject {
  const key = parseKey(path, pem)
  if (spkiOf(key).equals(ca.certificate.spkiDer)) return key
  throw new AuthorityError('key-mismatch', `${path} is not the key of the certificate beside it; restore both together`)
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return importPrivateKey(pem)
  } catch (cause) {
    throw new AuthorityError('malformed', `${path}: ${describeError(cause)}`, cause)
  }
}

/** @throws AuthorityError where a certificate is no CA's, or not signed by its issuer */
export function checkChain(path: string, ca: CaCertificate, issuer: CaCertificate): void {
  const issued =
    ca.certificate.issuer.equals(issuer.certificate.subject) &&
    ca.x509.checkIssued(issuer.x509) &&
    ca.x509.verify(issuer.x509.publicKey)
  if (!issued) throw new AuthorityError('not-chained', `${path} is not signed by the root beside it`)
  const { basicConstraints, keyUsage } = ca.certificate.values
  if (basicConstraints?.ca === true && keyUsage.includes('keyCertSign')) return
  throw new AuthorityError('not-chained', `${path} is not the certificate of a CA`)
}

/** The trust domain that a CA signs for. @throws AuthorityError `malformed` */
export function trustDomainOf(path: string, ca: CaCertificate): string {
  const trustDomain = /^spiffe:\/\/([^/]+)$/.exec(spiffeUriOf(ca.certificate) ?? '')?.[1]
  if (trustDomain !== undefined && DNS_NAME.test(trustDomain)) return trustDomain
  throw new AuthorityError('malformed', `${path} does not name a trust domain`)
}

/** @throws AuthorityError where a CA is not valid now; `remedy` says what mends one that has expired */
export function checkTimes(path: string, { certificate }: CaCertificate, now: number, remedy = ''): void {
  const tell = (ms: number) => new Date(ms).toISOString()
  if (now < certificate.notBefore) {
    throw new AuthorityError(
      'not-yet-valid',
      `${path} is valid from ${tell(certificate.notBefore)}, and it is ${tell(now)}`,
    )
  }
  if (now < certificate.notAfter) return
  const message = `${path} expired at ${tell(certificate.notAfter)}, and it is ${tell(now)}${remedy}`
  throw new AuthorityError('expired', message)
}

/** @throws AuthorityError where the root is not among those that are trusted */
export function checkBundle(path: string, bundle: string, root: CaCertificate): void {
  try {
    for (const der of decodePem('CERTIFICATE', bundle)) {
      parseCertificate(der)
      if (der.equals(root.der)) return
    }
  } catch (cause) {
    throw new AuthorityError('malformed', `${path} is not a list of certificates: ${describeError(cause)}`, cause)
  }
  throw new AuthorityError('not-in-bundle', `${path} does not hold the root beside it, so nobody would trust it`)
}
