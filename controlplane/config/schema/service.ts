import { z } from 'zod'
import { duration, durationOrOff, label, labels, notYet, protocol } from '../../../common/config/fields.js'
import { retry } from './retry.js'

const subset = z.strictObject({
  labels: labels
    .refine((value) => Object.keys(value).length > 0, 'name at least one label')
    .describe('instances that have all of these labels belong to it'),
  onlyPassing: notYet(),
})

const timeouts = z.strictObject({
  connect: duration
    .refine((ms) => ms > 0, 'a connect timeout of zero is refused by Envoy')
    .optional()
    .describe('how long a connection may take to open; absent: 5s'),
  request: durationOrOff.optional().describe('how long a request may take with all its tries; absent or off: no limit'),
  idle: notYet(),
  streamIdle: notYet(),
  maxStream: notYet(),
  maxConnection: notYet(),
  grpcDeadline: notYet(),
})

const loadBalancing = z.strictObject({
  policy: z
    .enum(['round-robin', 'least-request'], {
      error: (issue) =>
        ['random', 'ring-hash', 'maglev'].includes(String(issue.input))
          ? `policy ${String(issue.input)} is not supported yet`
          : `${JSON.stringify(issue.input)} is not a policy: write round-robin or least-request`,
    })
    .optional()
    .describe('how callers choose an instance; absent: least-request'),
  choiceCount: notYet(),
  hashOn: notYet(),
  ringSize: notYet(),
  tableSize: notYet(),
  slowStart: notYet(),
  locality: notYet(),
  panicThreshold: notYet(),
})

/** `kind: service`: how a service is reached, whoever calls it. */
export const serviceDocument = z.strictObject({
  kind: z.literal('service'),
  service: label.describe('the service that it is about'),
  protocol: protocol.optional().describe('over-rides what the instances say'),
  subsets: z.record(label, subset).default({}).describe('by name: groups of instances that routes can lead to'),
  timeouts: timeouts.optional().describe('limits in time; a rule of a route may set its own'),
  retry: retry.optional().describe('the default for all routes of the service'),
  loadBalancing: loadBalancing.optional().describe('how requests are spread over instances'),
  owners: notYet(),
  outside: notYet(),
  speaksFirst: notYet(),
  tls: notYet(),
  ports: notYet(),
  connections: notYet(),
  outlier: notYet(),
  healthCheck: notYet(),
  failover: notYet(),
  inbound: notYet(),
  rateLimit: notYet(),
  authentication: notYet(),
  accessLog: notYet(),
  tracing: notYet(),
})

export type ServiceDocument = z.infer<typeof serviceDocument>
