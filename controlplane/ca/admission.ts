import type { PeerCertificate } from '../../common/x509/read.js'
import type { Authority } from './authority.js'
import { BACKDATE_MS, controlPlaneOf } from './ca-certificate.js'
import type { HostRegistry } from './hosts.js'

/** A certificate that a host presents, whose chain TLS has verified up to the root of the mesh. */
export type PresentedCertificate = Pick<PeerCertificate, 'serial' | 'issuer' | 'notBefore'>

/** By what hosts are let in. */
export interface AdmissionRules {
  readonly hosts: HostRegistry
  readonly authority: Pick<Authority, 'intermediate'>
  /** Whether any host-policy document names the host. */
  readonly named: (host: string) => boolean
}

/** Certificates tell whole seconds. */
const SECOND_MS = 1000

/**
 * Why a host with this certificate is not let in; undefined: it is.
 *
 * What this control plane issued counts as long as it is on record. What another control plane of the same root issued
 * counts only for a host that a host-policy names, and only from after it joined here, if it did. Who was banned or
 * evicted here stays out, whoever issued to it.
 */
export function refusalOf(
  host: string,
  certificate: PresentedCertificate,
  { hosts, authority, named }: AdmissionRules,
): string | undefined {
  if (hosts.isBanned(host)) return `host ${host} is banned`
  if (hosts.recognises(host, certificate.serial)) return undefined
  if (isIssuedBy(certificate.issuer, authority.intermediate.certificate.subject)) {
    return `the certificate is none of host ${host} as it is enrolled now`
  }
  if (hosts.isKeptOut(host)) {
    return `host ${host} was evicted here; "mesh host ${host} admit" lets it in, if it joined at another control plane`
  }
  if (!named(host)) return `host ${host} joined at another control plane, and no host-policy here names it`
  const enrolledAt = hosts.changes.value.get(host)?.enrolledAt ?? 0
  if (certificate.notBefore + BACKDATE_MS + SECOND_MS > enrolledAt) return undefined
  return `another control plane issued the certificate of host ${host} before it joined here or was evicted`
}

/** Whether a control plane signed with this intermediate, or with one that it had before a renewal. */
function isIssuedBy(issuer: Buffer, intermediate: Buffer): boolean {
  if (issuer.equals(intermediate)) return true
  const name = controlPlaneOf(issuer)
  return name !== undefined && name === controlPlaneOf(intermediate)
}
