import { z } from 'zod'

const certificate = z
  .strictObject({
    /** Lower-case hex. */
    serial: z.string(),
    /** SPIFFE ID: the host's own, or of a service that it runs. */
    identity: z.string(),
    notAfter: z.number(),
  })
  .readonly()

const host = z
  .strictObject({
    host: z.string(),
    /** When it joined here. What other control planes issued to it before counts no more; 0: all of it counts. */
    enrolledAt: z.number(),
    /** `elsewhere`: it never joined here, or was evicted since; it counts as far as a host-policy names it. */
    joined: z.literal('elsewhere').optional(),
    /** Hash of the key with which it joined: a lost answer may be asked for again. Empty: it joined elsewhere. */
    keyHash: z.string(),
    /** Names or patterns of services that its token granted. */
    services: z.array(z.string()).readonly(),
    /** Those that have not expired, and of the host's own the last ones that have: by them it may recover. */
    certificates: z.array(certificate).readonly(),
    /** Serial of the host's own certificate by which it asked for another one last. */
    provenBy: z.string().optional(),
    banned: z.strictObject({ since: z.number(), reason: z.string() }).readonly().optional(),
    /** It stays out until it joins here anew, or is admitted. */
    evicted: z.strictObject({ since: z.number() }).readonly().optional(),
  })
  .readonly()

/** The file of enrolled hosts, in whatever order somebody may have put them. */
export const hostsState = z
  .strictObject({ hosts: z.array(host).transform((hosts): readonly HostRecord[] => hosts.toSorted(byHost)) })
  .readonly()

/** All enrolled hosts, sorted by name. */
export type HostsState = z.infer<typeof hostsState>

/** What is known of one enrolled host; times are wall-clock milliseconds. */
export type HostRecord = z.infer<typeof host>

/** A certificate that was issued to a host. */
export type IssuedCertificate = z.infer<typeof certificate>

function byHost(a: HostRecord, b: HostRecord): number {
  return a.host < b.host ? -1 : 1
}
