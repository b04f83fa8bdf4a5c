import { z } from 'zod'
import { namePattern } from '../../../common/config/fields.js'

/** `kind: host-policy`: which hosts may run which services. All of them add up, and to what a join token granted. */
export const hostPolicyDocument = z.strictObject({
  kind: z.literal('host-policy'),
  hosts: z.array(namePattern).min(1).describe('names of hosts; `web-*` and `*` work'),
  services: z.array(namePattern).min(1).describe('what they may run; `metrics-*` and `*` work'),
})

export type HostPolicyDocument = z.infer<typeof hostPolicyDocument>
