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
    enrolledAt: z.number(),
    /** Hash of the key with which it joined: a lost answer may be asked for again. */
    keyHash: z.string(),
    /** Names or patterns of services that its token granted. */
    services: z.array(z.string()).readonly(),
    /** Those that have not expired. */
    certificates: z.array(certificate).readonly(),
    banned: z.strictObject({ since: z.number(), reason: z.string() }).readonly().optional(),
  })
  .readonly()

/** The file of enrolled hosts. */
export const hostsState = z.strictObject({ hosts: z.array(host).readonly() }).readonly()

/** All enrolled hosts, sorted by name. */
export type HostsState = z.infer<typeof hostsState>

/** What is known of one enrolled host; times are wall-clock milliseconds. */
export type HostRecord = z.infer<typeof host>

/** A certificate that was issued to a host. */
export type IssuedCertificate = z.infer<typeof certificate>
