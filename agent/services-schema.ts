import { z } from 'zod'
import { duration, label, labels, notYet, port, protocol } from '../common/config/fields.js'
import { ipAndPortOrSocket } from '../common/config/socket-address-field.js'

const grpcService = z.string().min(1).max(253)

const grpcCheck = z.union([
  z.literal(true),
  grpcService,
  z.strictObject({
    service: grpcService.optional().describe('the gRPC service that is asked for; absent: the server as a whole'),
    port: port.optional().describe('absent: the first port of the service'),
  }),
])

const commandWord = z
  .string()
  .max(4096)
  .refine((word) => !word.includes('\0'), 'contains a zero byte')

const check = z.union([
  z.literal('none'),
  z.strictObject({
    http: z.string().regex(/^\//, 'a path starts with "/"').optional().describe('a path that answers 2xx or 3xx'),
    tcp: z
      .union([z.literal(true), port])
      .optional()
      .describe('true, or a port that takes connections'),
    grpc: grpcCheck
      .optional()
      .describe('asks grpc.health.v1.Health of the first port: true for the server as a whole, or a gRPC service'),
    exec: z
      .array(commandWord)
      .min(1)
      .refine(([program = '/']) => program.startsWith('/'), {
        message: 'the program is named by its whole path',
        params: { hint: 'write for example [/usr/local/bin/check-web, --quick]' },
      })
      .optional()
      .describe('a program and its arguments, run without a shell; exit code 0 passes'),
    interval: duration.optional().describe('from one check to the next; absent: 5s'),
    timeout: duration.optional().describe('how long an answer may take; absent: 2s'),
    unhealthyAfter: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('failures in a row until it counts as critical; absent: 2'),
    healthyAfter: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('successes in a row until it counts as passing; absent: 1'),
  }),
])

const portEntry = z.union([
  port,
  z.strictObject({
    port: port.describe('on which the application listens'),
    protocol: protocol.optional().describe('absent: that of the file'),
  }),
])

const mode = z
  .string({
    error: ({ input }) =>
      typeof input === 'number' ? 'permissions stand in quotes: write for example "0660"' : undefined,
  })
  .regex(/^0?(?!000)[0-7]{3}$/, 'permissions are three octal digits: write for example "0660"')

const group = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'write the name of a group')

const upstream = z.strictObject({
  service: label.describe('the service that is called'),
  bind: ipAndPortOrSocket.describe('where the application reaches it on this host'),
  port: label.optional().describe('a named port of the service; absent: its first'),
  mode: mode.optional().describe('permissions of a Unix socket; absent: "0660"'),
  group: group.optional().describe("the group that may use a Unix socket; absent: only Envoy's own user and group"),
  allowUsers: notYet(),
})

/** A file of `services.d`: one service of this host. */
export const serviceFile = z.strictObject({
  service: label.describe('its name in the mesh'),
  port: port.optional().describe('on which it listens; short for ports: { main: … }'),
  ports: z
    .record(label, portEntry)
    .optional()
    .describe('several ports by their names; the first identifies the instance'),
  protocol: protocol.optional().describe('absent: http, or tcp on well-known ports of tcp protocols'),
  version: z.string().min(1).max(253).optional().describe('the label `version`, by which subsets select'),
  tags: z.array(z.string().min(1)).default([]).describe('for people and other tools'),
  labels: labels.default({}).describe('what subsets select by'),
  weight: z.int().min(1).max(10_000).default(100).describe('share of the load, relative to the other instances'),
  check: check.optional().describe('absent: its first port takes connections'),
  upstreams: z.array(upstream).default([]).describe('services that it calls at a local address of its own'),
  calls: notYet(),
  user: notYet(),
  unit: notYet(),
  plaintextPort: notYet(),
  protect: notYet(),
  certificateFiles: notYet(),
})

export type ServiceFileText = z.infer<typeof serviceFile>
