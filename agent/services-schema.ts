import { z } from 'zod'
import { duration, label, labels, notYet, port, protocol } from '../common/config/fields.js'
import { addressAndPort } from '../common/config/socket-address-field.js'

const check = z.union([
  z.literal('none'),
  z.strictObject({
    http: z.string().regex(/^\//, 'a path starts with "/"').optional().describe('a path that answers 2xx or 3xx'),
    tcp: z
      .union([z.literal(true), port])
      .optional()
      .describe('true, or a port that takes connections'),
    grpc: notYet(),
    exec: notYet(),
    interval: duration.optional(),
    timeout: duration.optional(),
    unhealthyAfter: z.int().min(1).max(100).optional(),
    healthyAfter: z.int().min(1).max(100).optional(),
  }),
])

const portEntry = z.union([port, z.strictObject({ port, protocol: protocol.optional() })])

const upstream = z.strictObject({
  service: label,
  bind: addressAndPort,
  port: label.optional().describe('a named port of the service; absent: its first'),
  mode: notYet(),
  group: notYet(),
  allowUsers: notYet(),
})

/** A file of `services.d`: one service of this host. */
export const serviceFile = z.strictObject({
  service: label,
  port: port.optional().describe('short for ports: { main: … }'),
  ports: z.record(label, portEntry).optional(),
  protocol: protocol.optional().describe('absent: http, or tcp on well-known ports of tcp protocols'),
  version: z.string().min(1).max(253).optional(),
  tags: z.array(z.string().min(1)).default([]),
  labels: labels.default({}),
  weight: z.int().min(1).max(10_000).default(100),
  check: check.optional().describe('absent: its first port takes connections'),
  upstreams: z.array(upstream).default([]),
  calls: notYet(),
  user: notYet(),
  unit: notYet(),
  plaintextPort: notYet(),
  protect: notYet(),
  certificateFiles: notYet(),
})

export type ServiceFileText = z.infer<typeof serviceFile>
