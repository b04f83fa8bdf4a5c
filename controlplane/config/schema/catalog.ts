import { isIP } from 'node:net'
import { z } from 'zod'
import {
  hostName,
  type IssueParams,
  label,
  labels,
  locality,
  notYet,
  port,
  protocol,
} from '../../../common/config/fields.js'
import { DNS_NAME } from '../../../common/identity.js'
import { isWildcard } from '../../../common/socket-address.js'

const address = z.string().superRefine((value, context) => {
  if (isWildcard(value)) {
    const params = { hint: 'write the address of the machine' } satisfies IssueParams
    context.addIssue({ code: 'custom', message: `${value} is no address to connect to`, params })
    return
  }
  if (isIP(value) !== 0) return
  if (DNS_NAME.test(value) && !/^[\d.]+$/.test(value)) {
    context.addIssue({ code: 'custom', message: `${value} is a name: names of instances are not supported yet` })
    return
  }
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(value)} is not an IP address`,
    params: { hint: 'write for example 10.0.9.5' } satisfies IssueParams,
  })
})

const instance = z.strictObject({
  host: hostName.optional().describe('the mesh host that runs it; absent: a machine without an agent'),
  address: address.describe('where the application is reached'),
  port: port.describe('the port of the application'),
  labels: labels.default({}).describe('what subsets select by; absent: none'),
  locality: locality.optional().describe('where it is; absent: unknown'),
  weight: z.int().min(1).max(10_000).default(100).describe('share of the load, relative to the other instances'),
})

/** `kind: catalog`: instances that no agent reports, written on the control plane. */
export const catalogDocument = z.strictObject({
  kind: z.literal('catalog'),
  service: label.describe('the service that the instances are of'),
  protocol: protocol.optional().describe('absent: http, or tcp on well-known ports of tcp protocols'),
  instances: z.array(instance).min(1).describe('each with its address'),
  tls: notYet(),
})

export type CatalogDocument = z.infer<typeof catalogDocument>
