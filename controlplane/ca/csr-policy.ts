import { formatSpiffeId, type Identity, parseSpiffeId } from '../../common/identity.js'
import type { Csr } from '../../common/x509/csr.js'
import type { AlternativeName } from '../../common/x509/extension-values.js'

/** Why a well-formed CSR is not for the identity that the requester may have. */
export type CsrPolicyReason =
  | 'ca-requested'
  | 'ca-key'
  | 'several-names'
  | 'name-is-no-uri'
  | 'bare-trust-domain'
  | 'malformed-spiffe-id'
  | 'another-trust-domain'
  | 'another-host'
  | 'another-service'
  | 'another-control-plane'

/**
 * Judges what a CSR asks for: nothing, or exactly the one name that it would get anyway. The rest is refused instead of
 * ignored, since who asks for another's name is broken or hostile, and somebody should hear of it.
 *
 * @param caSpkis the SubjectPublicKeyInfo of every CA key
 * @returns undefined where the CSR may be served
 */
export function judgeCsr(csr: Csr, identity: Identity, caSpkis: readonly Buffer[]): CsrPolicyReason | undefined {
  if (caSpkis.some((spki) => spki.equals(csr.spkiDer))) return 'ca-key'
  if (csr.requestedCa) return 'ca-requested'
  const [name, ...more] = csr.requestedNames
  if (more.length > 0) return 'several-names'
  return name === undefined ? undefined : judgeName(name, identity)
}

function judgeName({ kind, value }: AlternativeName, identity: Identity): CsrPolicyReason | undefined {
  if (kind !== 'uri') return 'name-is-no-uri'
  if (value === formatSpiffeId(identity)) return undefined
  if (/^spiffe:\/\/[^/]*\/?$/.test(value)) return 'bare-trust-domain'
  const requested = parseSpiffeId(value)
  if (requested === undefined) return 'malformed-spiffe-id'
  return requested.trustDomain === identity.trustDomain ? `another-${requested.kind}` : 'another-trust-domain'
}
