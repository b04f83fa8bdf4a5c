import { parseSpiffeId } from '../../common/identity.js'
import type { IssuedCertificate } from './host-record.js'

/** Leaves out what has expired, except the host's own from the one on by which it proved itself last. */
export function withoutSpent(
  certificates: readonly IssuedCertificate[],
  provenBy: string | undefined,
  now: number,
): readonly IssuedCertificate[] {
  const proven = certificates.findIndex(({ serial }) => serial === provenBy)
  return certificates.filter(
    ({ notAfter, identity }, index) => notAfter > now || (index >= proven && parseSpiffeId(identity)?.kind === 'host'),
  )
}

/** So many certificates are remembered for one identity of a host: more than its renewals ever need at once. */
const REMEMBERED = 20

/** The newest certificates of each identity, in their order: a host that asks without end must not fill the disk. */
export function newestOfEach(certificates: readonly IssuedCertificate[]): readonly IssuedCertificate[] {
  const seen = new Map<string, number>()
  const kept = certificates.toReversed().filter(({ identity }) => {
    const count = (seen.get(identity) ?? 0) + 1
    seen.set(identity, count)
    return count <= REMEMBERED
  })
  return kept.toReversed()
}
