import { z } from 'zod'
import { duration, label, notYet } from '../../../common/config/fields.js'
import { re2 } from './re2.js'
import { retry } from './retry.js'

const urlPath = z.string().regex(/^\//, 'a path starts with "/"')

const pathMatch = z.strictObject({
  exact: urlPath.optional(),
  prefix: urlPath.optional(),
  segments: notYet(),
  regex: notYet(),
  ignoreCase: notYet(),
})

const headerForm = z.strictObject({
  exact: z.string().optional(),
  regex: re2.optional(),
  present: z.literal(true).optional(),
  prefix: notYet(),
  suffix: notYet(),
  contains: notYet(),
  range: notYet(),
  absent: notYet(),
  not: notYet(),
  ignoreCase: notYet(),
})

const headerMatch = z.union([z.literal('present'), headerForm], {
  error: (issue) =>
    issue.input === 'absent'
      ? 'matching on absent headers is not supported yet'
      : 'write { exact: … }, { regex: … } or present',
})

const headerName = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'write header names in lower case')
  .refine((name) => !['host', ':authority', ':method', ':path'].includes(name), 'match on it by the key made for it')

const method = z.string().regex(/^[A-Z]+$/, 'write methods in capitals')

const match = z.strictObject({
  path: pathMatch.optional(),
  method: z.array(method).min(1).optional(),
  headers: z.record(headerName, headerMatch).optional(),
  query: notYet(),
  cookies: notYet(),
  authority: notYet(),
  scheme: notYet(),
  from: notYet(),
  claims: notYet(),
  grpc: notYet(),
  websocket: notYet(),
  ports: notYet(),
  cidrs: notYet(),
  sni: notYet(),
})

const destination = z.strictObject({
  service: label.optional().describe('absent: the service of the document'),
  subset: label.optional(),
  port: label.optional().describe('a named port of the service'),
  weight: z
    .number()
    .min(0)
    .max(1_000_000)
    .refine((value) => Number.isInteger(Math.round(value * 10_000 * 1e6) / 1e6), 'at most four decimals')
    .optional()
    .describe('relative to the other weights; fractions are allowed'),
  headers: notYet(),
})

const respond = z.strictObject({
  status: z.int().min(200).max(599),
  body: z.string().max(65_536).optional(),
  headers: notYet(),
})

const rewrite = z.strictObject({
  prefix: urlPath.optional(),
  path: notYet(),
  regex: notYet(),
  host: notYet(),
})

const timeout = z.union([z.literal('off'), duration], {
  error: (issue) => (isMap(issue.input) ? 'a map of several timeouts is not supported yet' : undefined),
})

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const rule = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and "-"')
    .optional(),
  match: z.union([match, z.array(match).min(1)]).optional(),
  to: destination.omit({ weight: true }).optional().describe('a split of one'),
  split: z.array(destination).min(1).optional(),
  respond: respond.optional(),
  rewrite: rewrite.optional(),
  timeout: timeout.optional(),
  retry: retry.optional(),
  redirect: notYet(),
  headers: notYet(),
  hedge: notYet(),
  fault: notYet(),
  mirror: notYet(),
  cors: notYet(),
  websocket: notYet(),
  rateLimit: notYet(),
  hashOn: notYet(),
  buffer: notYet(),
  compress: notYet(),
})

/** `kind: route`: what happens to a request for a service; the first rule that matches wins. */
export const routeDocument = z.strictObject({
  kind: z.literal('route'),
  service: label,
  port: label.optional().describe('a named port; absent: all ports of the service'),
  rules: z.array(rule).min(1),
  hosts: notYet(),
})

export type RouteDocument = z.infer<typeof routeDocument>
export type RouteRule = z.infer<typeof rule>
export type RouteMatch = z.infer<typeof match>
export type HeaderMatch = z.infer<typeof headerMatch>
export type RouteDestination = z.infer<typeof destination>
