/**
 * The names of the mesh: trust domains, hosts, services, and the SPIFFE IDs made of them.
 *
 * IDs are matched by one anchored expression on the raw text. `new URL()` is not used on purpose: it normalises `..`,
 * upper case and percent-encoding, so two different texts would become one identity.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md
 */

/** One DNS label in lower case: the form of service, subset and port names. */
export const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** A DNS name in lower case, at most 253 characters: the form of host names and trust domains. */
export const DNS_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

/** Who somebody is, as read from a SPIFFE ID. */
export type Identity =
  | { readonly kind: 'host'; readonly trustDomain: string; readonly name: string }
  | { readonly kind: 'service'; readonly trustDomain: string; readonly name: string }
  | { readonly kind: 'control-plane'; readonly trustDomain: string; readonly name: string }

const PATH_OF_KIND = { host: 'host', service: 'svc', 'control-plane': 'control-plane' } as const
const KIND_OF_PATH = { host: 'host', svc: 'service', 'control-plane': 'control-plane' } as const

const SPIFFE_ID = /^spiffe:\/\/([a-z0-9.-]+)\/(host|svc|control-plane)\/([a-z0-9.-]+)$/

/** Reads a SPIFFE ID of this mesh's layout; undefined where the text is anything else, however similar. */
export function parseSpiffeId(text: string): Identity | undefined {
  const match = SPIFFE_ID.exec(text)
  if (match === null) return undefined
  const [, trustDomain = '', path = '', name = ''] = match
  const kind = KIND_OF_PATH[path as keyof typeof KIND_OF_PATH]
  const nameForm = kind === 'service' ? DNS_LABEL : DNS_NAME
  if (!DNS_NAME.test(trustDomain) || !nameForm.test(name)) return undefined
  return { kind, trustDomain, name }
}

/** The inverse of {@link parseSpiffeId}. */
export function formatSpiffeId(identity: Identity): string {
  return `spiffe://${identity.trustDomain}/${PATH_OF_KIND[identity.kind]}/${identity.name}`
}

/** The SPIFFE ID that a host's agent presents to control planes. */
export function hostId(trustDomain: string, host: string): string {
  return formatSpiffeId({ kind: 'host', trustDomain, name: host })
}

/** The SPIFFE ID that a service presents to other services. */
export function serviceId(trustDomain: string, service: string): string {
  return formatSpiffeId({ kind: 'service', trustDomain, name: service })
}

/** The SPIFFE ID that a control plane presents; agents accept nothing else. */
export function controlPlaneId(trustDomain: string, id: string): string {
  return formatSpiffeId({ kind: 'control-plane', trustDomain, name: id })
}
