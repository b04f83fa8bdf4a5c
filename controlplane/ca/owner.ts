import { join } from 'node:path'
import { readIfPresent } from '../../common/files.js'
import type { ControlPlaneSettings } from '../settings-schema.js'
import { AuthorityError } from './authority-error.js'
import { isIntermediateOf } from './ca-certificate.js'
import { type CaCertificate, parseCa, trustDomainOf } from './check-authority.js'

/** Whose a CA is, by its certificates. */
export interface CaOwner {
  readonly trustDomain: string
  readonly intermediate: CaCertificate
}

/** Reads whose the CA in a directory is; undefined where there is none. @throws AuthorityError, and what the disk says */
export async function readOwner(directory: string): Promise<CaOwner | undefined> {
  const [root, intermediate] = [join(directory, 'root.pem'), join(directory, 'intermediate.pem')]
  const [rootPem, intermediatePem] = [await readIfPresent(root), await readIfPresent(intermediate)]
  if (rootPem === undefined || intermediatePem === undefined) return undefined
  return {
    trustDomain: trustDomainOf(root, parseCa(root, rootPem)),
    intermediate: parseCa(intermediate, intermediatePem),
  }
}

/** Why a control plane with these settings must not sign with a CA, in words; undefined: it is its own. */
export function foreignness(
  { trustDomain, intermediate }: CaOwner,
  settings: Pick<ControlPlaneSettings, 'id' | 'trustDomain'>,
  directory: string,
): string | undefined {
  if (trustDomain !== settings.trustDomain) {
    return `the CA in ${directory} is of ${trustDomain}, and the settings say trustDomain: ${settings.trustDomain}; every host of ${trustDomain} would be locked out`
  }
  const { owner, own } = isIntermediateOf(intermediate.certificate.subject, settings.id)
  if (own) return undefined
  return `the intermediate in ${directory} is that of ${owner}, and the settings say id: ${settings.id}; "mesh ca issue --id ${settings.id}" makes one for it`
}

/** @throws AuthorityError `foreign` where a CA is of another mesh or of another control plane */
export function refuseForeign(
  owner: CaOwner,
  settings: Pick<ControlPlaneSettings, 'id' | 'trustDomain'>,
  directory: string,
): void {
  const why = foreignness(owner, settings, directory)
  if (why !== undefined) throw new AuthorityError('foreign', why)
}
