import { z } from 'zod'
import { duration, label, notYet } from '../../../common/config/fields.js'
import { re2 } from './re2.js'
import { retry } from './retry.js'

const urlPath = z.string().regex(/^\//, 'a path starts with "/"')

const pathMatch = z.strictObject({
  exact: urlPath.optional().describe('the whole path, without the query'),
  prefix: urlPath.optional().describe('what the path starts with; a rewrite replaces it by whole segments'),
  segments: notYet(),
  regex: notYet(),
  ignoreCase: notYet(),
})

const headerForm = z.strictObject({
  exact: z.string().optional().describe('the whole value'),
  regex: re2.optional().describe('an expression that the whole value matches'),
  present: z.literal(true).optional().describe('true: the header is there, whatever its value'),
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

const method = z.string().regex(/^[A-Z]+$/, 'write methods in capitals, such as GET')

const match = z.strictObject({
  path: pathMatch.optional().describe('in exactly one way; absent: any path'),
  method: z.array(method).min(1).optional().describe('any of these; absent: every method'),
  headers: z.record(headerName, headerMatch).optional().describe('by name in lower case; all must match'),
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
  subset: label.optional().describe('a subset of the service; absent: all its instances'),
  port: label.optional().describe('a named port of the service; absent: the port of the same name, else its first'),
  weight: z
    .number()
    .min(0)
    .max(1_000_000)
    .refine((value) => Number.isInteger(Math.round(value * 10_000 * 1e6) / 1e6), 'at most four decimals')
    .optional()
    .describe(
      'share of the requests, relative to the other weights; fractions work; absent: 1, where none has a weight',
    ),
  headers: notYet(),
})

const respond = z.strictObject({
  status: z.int().min(200).max(599).describe('the HTTP status'),
  body: z.string().max(65_536).optional().describe('text of at most 64 KiB; absent: empty'),
  headers: notYet(),
})

const rewrite = z.strictObject({
  prefix: urlPath
    .optional()
    .describe('instead of the prefix, or of the whole path, that was matched; absent: as it came'),
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
    .optional()
    .describe('for messages and statistics, unique in the document; absent: its number'),
  match: z
    .union([match, z.array(match).min(1)])
    .optional()
    .describe('one, or a list of which any may hold; all fields of one must hold; absent: every request'),
  to: destination
    .omit({ weight: true })
    .optional()
    .describe('where the requests go: a split of one; absent: the service of the document'),
  split: z.array(destination).min(1).optional().describe('several destinations with weights'),
  respond: respond.optional().describe('Envoy answers by itself'),
  rewrite: rewrite.optional().describe('what the service gets to see instead'),
  timeout: timeout
    .optional()
    .describe('how long a request may take with all its tries; off: no limit; absent: that of the service'),
  retry: retry.optional().describe('key by key over that of the service'),
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
  service: label.describe('the name that callers use'),
  port: label.optional().describe('a named port; absent: all ports of the service'),
  rules: z.array(rule).min(1).describe('the first that matches wins; what none matches goes to the service'),
  hosts: notYet(),
})

export type RouteDocument = z.infer<typeof routeDocument>
export type RouteRule = z.infer<typeof rule>
export type RouteMatch = z.infer<typeof match>
export type HeaderMatch = z.infer<typeof headerMatch>
export type RouteDestination = z.infer<typeof destination>
