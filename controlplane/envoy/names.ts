/** The names of all resources and of what stands inside them, in one place. */

/** The cluster that leads to the application of a port on its own host. No service and subset can be called so. */
export function applicationCluster(port: string): string {
  return `app:${port}`
}

/** The port of a cluster of all its instances, or of a subset of them. */
export function portOfCluster(name: string): string {
  return name.split('/', 2).join('/')
}

/** The outbound route configuration of a port. */
export function outboundRouteName(port: string): string {
  return `outbound/${port}`
}

/** The inbound route configuration of a port, by what it is called on its host. */
export function inboundRouteName(port: string): string {
  return `inbound/${port}`
}

/**
 * The listener of a port at its service's virtual address, one for each number. One that gets redirected connections has
 * another name than one that listens itself, because Envoy does not turn one into the other.
 */
export function nameListener(port: string, number: number, redirected: boolean): string {
  return `${redirected ? 'redirected' : 'name'}/${port}/${number}`
}

/** A cluster or route configuration for calls that carry the identity of one service instead of the caller's. */
export function asIdentity(name: string, service: string | undefined): string {
  return service === undefined ? name : `${name}@${service}`
}

/** The statistics of listeners for connections of other Envoys, whatever their number. */
export const INBOUND_STATS = 'inbound'

/** The listener that answers DNS. */
export const DNS_LISTENER = 'dns'

/** The listener to which the host's firewall sends connections to virtual addresses. */
export const REDIRECT_LISTENER = 'redirect'

/** What calls by name present; the agent answers it. */
export const CALLER_SECRET = 'caller'

/** Whom an Envoy believes; the agent answers it. */
export const TRUST_SECRET = 'trust'

/** What a service presents; the agent of its host answers it. */
export function serviceSecret(service: string): string {
  return `svc/${service}`
}

/** The validation context of a tcp port: who may connect. */
export function allowSecret(port: string): string {
  return `allow/${port}`
}

/** On answers of a callee's Envoy that its application never saw; on its presence the caller's Envoy tries again. */
export const UNDELIVERED_HEADER = 'x-mesh-undelivered'

/** Tells an application who called, as its certificate proves. */
export const CLIENT_HEADER = 'x-mesh-client'

/** Names of HTTP filters, which per-route settings refer to. */
export const DENY_FILTER = 'mesh.deny'
export const ALLOW_FILTER = 'mesh.allow'
