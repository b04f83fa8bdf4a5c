import { X509Certificate } from 'node:crypto'
import { parseSpiffeId } from '../../common/identity.js'
import { DerError } from '../../common/x509/asn1.js'
import { keyIdentifier } from '../../common/x509/extensions.js'
import { curveOf } from '../../common/x509/keys.js'
import { OID } from '../../common/x509/oids.js'
import { type Certificate, parseCertificate } from '../../common/x509/parse-certificate.js'
import type { Authority } from './authority.js'

/** What a certificate must be, told by who asked for it and not by who made it. */
export interface Expectation {
  readonly spiffeId: string
  /** The key of the CSR. */
  readonly spkiDer: Buffer
  /** Wall-clock milliseconds. */
  readonly now: number
}

type Signers = Pick<Authority, 'trustDomain' | 'root' | 'intermediate'>

/** A certificate under judgement, as read by OpenSSL and by us. */
interface Judged extends Expectation, Signers {
  readonly x509: X509Certificate
  readonly leaf: Certificate
}

/** 72 hours, the longest life of a leaf. */
const MAX_LIFE_MS = 259_200_000

const EXTENSIONS: ReadonlyMap<string, { readonly critical: boolean }> = new Map([
  [OID.basicConstraints, { critical: true }],
  [OID.keyUsage, { critical: true }],
  [OID.subjectAltName, { critical: true }],
  [OID.extKeyUsage, { critical: false }],
  [OID.subjectKeyIdentifier, { critical: false }],
  [OID.authorityKeyIdentifier, { critical: false }],
])

/** The certificate profile, a row each. @see reliability of certificates in the design notes */
const RULES = {
  version: ({ leaf }) => leaf.version === 3,
  serial: ({ leaf: { serial } }) => serial.length >= 8 && serial.length <= 16 && (serial[0] ?? 0x80) < 0x80,
  algorithm: ({ leaf }) => leaf.signatureAlgorithms.every((algorithm) => algorithm === OID.ecdsaWithSha256),
  issuer: ({ leaf, x509, intermediate }) =>
    leaf.issuer.equals(intermediate.certificate.subject) && x509.checkIssued(intermediate.x509),
  signature: ({ x509, intermediate }) => x509.verify(intermediate.x509.publicKey),
  chain: ({ intermediate, root }) => isChained(intermediate.x509, root.x509),
  subject: ({ leaf, x509 }) => leaf.subject.equals(Buffer.of(0x30, 0)) && (x509.subject ?? '') === '',
  key: ({ leaf, spkiDer }) => leaf.spkiDer.equals(spkiDer),
  'key-type': ({ x509 }) => ['prime256v1', 'secp384r1'].includes(curveOf(x509.publicKey) ?? ''),
  'ca-key': ({ leaf, intermediate, root }) =>
    [intermediate, root].every(({ certificate }) => !certificate.spkiDer.equals(leaf.spkiDer)),
  name: ({ leaf: { values }, spiffeId }) => {
    const [name, ...more] = values.alternativeNames
    return more.length === 0 && name?.kind === 'uri' && name.value === spiffeId
  },
  'trust-domain': ({ spiffeId, trustDomain }) => parseSpiffeId(spiffeId)?.trustDomain === trustDomain,
  'basic-constraints': ({ leaf: { values }, x509 }) =>
    values.basicConstraints?.ca === false && values.basicConstraints.pathLength === undefined && !x509.ca,
  'key-usage': ({ leaf: { values } }) => same(values.keyUsage, ['digitalSignature']),
  'extended-key-usage': ({ leaf, x509 }) =>
    [leaf.values.extKeyUsage, x509.keyUsage ?? []].every((usage) => same(usage, [OID.serverAuth, OID.clientAuth])),
  'subject-key-identifier': ({ leaf: { values, spkiDer } }) =>
    values.subjectKeyIdentifier?.equals(keyIdentifier(spkiDer)) === true,
  'authority-key-identifier': ({ leaf: { values }, intermediate: { certificate } }) =>
    sameBytes(values.authorityKeyIdentifier, certificate.values.subjectKeyIdentifier),
  extensions: ({ leaf: { extensions } }) => extensions.length === EXTENSIONS.size && hasAllExtensions(extensions),
  'valid-now': ({ leaf, now }) => leaf.notBefore <= now && now < leaf.notAfter,
  'life-length': ({ leaf }) => leaf.notAfter - leaf.notBefore <= MAX_LIFE_MS,
  'within-signer': ({ leaf, intermediate: { certificate } }) =>
    leaf.notBefore >= certificate.notBefore && leaf.notAfter <= certificate.notAfter,
} as const satisfies Readonly<Record<string, (judged: Judged) => boolean>>

/** A row of the profile that a certificate does not keep; `encoding`: it cannot even be read. */
export type BrokenRule = keyof typeof RULES | 'encoding'

/** What was found of a certificate: it keeps the profile, or these rows of it are broken. */
export type Verdict =
  | { readonly leaf: Certificate; readonly broken?: never }
  | { readonly leaf?: never; readonly broken: readonly BrokenRule[] }

/**
 * Holds a signed certificate against every row of the profile. It knows nothing of templates and shares no constant
 * with them on purpose: a mistake has to be made twice to get out.
 *
 * @returns what stands in the certificate, if it may leave the control plane
 */
export function validateLeaf(der: Buffer, expected: Expectation, signers: Signers): Verdict {
  const read = readTwice(der)
  if (read === undefined) return { broken: ['encoding'] }
  const judged: Judged = { ...expected, ...signers, ...read }
  const broken = (Object.keys(RULES) as (keyof typeof RULES)[]).filter((rule) => !RULES[rule](judged))
  return broken.length > 0 ? { broken } : { leaf: read.leaf }
}

function readTwice(der: Buffer): Pick<Judged, 'x509' | 'leaf'> | undefined {
  try {
    return { leaf: parseCertificate(der), x509: new X509Certificate(der) }
  } catch (error) {
    if (error instanceof DerError || isOpenSslError(error)) return undefined
    throw error
  }
}

/** By the signer: what a signer was found to be is the same for each certificate. */
const chained = new WeakMap<X509Certificate, X509Certificate>()

function isChained(intermediate: X509Certificate, root: X509Certificate): boolean {
  if (chained.get(intermediate) === root) return true
  const holds = intermediate.checkIssued(root) && intermediate.verify(root.publicKey)
  if (holds) chained.set(intermediate, root)
  return holds
}

function isOpenSslError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_OSSL')
}

function same(found: readonly string[], wanted: readonly string[]): boolean {
  return found.length === wanted.length && wanted.every((text, index) => found[index] === text)
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a !== undefined && b !== undefined && a.equals(b)
}

function hasAllExtensions(extensions: Certificate['extensions']): boolean {
  return extensions.every(({ oid, critical }) => EXTENSIONS.get(oid)?.critical === critical)
}
