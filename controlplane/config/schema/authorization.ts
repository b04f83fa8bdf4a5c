import { z } from 'zod'
import { label, namePattern, notYet } from '../../../common/config/fields.js'

const from = z.strictObject({
  services: z.array(namePattern).min(1).describe('names of calling services; "shop-*" and "*" work'),
  hosts: notYet(),
  identities: notYet(),
  cidrs: notYet(),
  not: notYet(),
})

const urlPath = z.string().regex(/^\//, 'a path starts with "/"')

const path = z.union([
  urlPath,
  z.strictObject({
    exact: urlPath.optional().describe('the whole path, without the query'),
    prefix: urlPath.optional().describe('what the path starts with'),
    regex: notYet(),
    segments: notYet(),
    ignoreCase: notYet(),
  }),
])

const to = z.strictObject({
  methods: z
    .array(z.string().regex(/^[A-Z]+$/, 'write methods in capitals'))
    .min(1)
    .optional()
    .describe('any of these; absent: all methods'),
  paths: z.array(path).min(1).optional().describe('any of these, a text being the exact path; absent: all paths'),
  ports: notYet(),
  hosts: notYet(),
  headers: notYet(),
  grpc: notYet(),
})

const rule = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and "-"')
    .optional()
    .describe('for messages and statistics; absent: its number'),
  from: from.optional().describe('absent: any caller of the mesh'),
  to: to.optional().describe('absent: any request'),
  when: notYet(),
})

/** `kind: authorization`: who may call a service. Documents of one service add up; deny comes before allow. At least one is there. */
export const authorizationDocument = z
  .strictObject({
    kind: z.literal('authorization'),
    service: z
      .union([label, z.literal('*')])
      .optional()
      .describe('the service that is protected; `*`: all; absent: those of `services`'),
    services: z.array(label).min(1).optional().describe('several services; instead of `service`'),
    mode: z
      .literal('enforce', {
        error: (issue) => (issue.input === 'learn' ? 'mode: learn is not supported yet' : 'write enforce'),
      })
      .default('enforce')
      .describe('enforce: what is not allowed is refused'),
    deny: z.array(rule).optional().describe('what is refused whatever `allow` says; absent: nothing'),
    allow: z.array(rule).optional().describe('present, even empty: what no rule names is refused'),
    external: notYet(),
  })
  // For editors. A document that lost both lists, as one that was cut, would open what it closed.
  .meta({ anyOf: [{ required: ['allow'] }, { required: ['deny'] }] })

export type AuthorizationDocument = z.infer<typeof authorizationDocument>
export type AuthorizationRule = z.infer<typeof rule>
