/** The small shapes that all documents are made of: durations, ports, names, and keys that are not supported yet. */
import { z } from 'zod'
import { DNS_LABEL, DNS_NAME } from '../identity.js'
import type { ProblemCode } from './codes.js'
import { durationHint, nameHint } from './hints.js'

/** Why a schema refuses a value, where the problem gets a code of its own for it. */
export const REASON_CODES = {
  /** A key that the language has and this version does not. */
  'not-supported-yet': 'MSH0202',
  'not-a-duration': 'MSH0207',
  'not-re2': 'MSH0224',
} as const satisfies Readonly<Record<string, ProblemCode>>

/** What an issue carries beside its message; zod keeps it in the issue's `params`. */
export interface IssueParams {
  readonly reason?: keyof typeof REASON_CODES
  /** What to write instead. */
  readonly hint?: string
}

/** A key of the language that this version does not know what to do with: any value is refused, never ignored. */
export function notYet() {
  return z
    .unknown()
    .superRefine((value, context) => {
      if (value === undefined) return
      context.addIssue({
        code: 'custom',
        message: 'not supported yet',
        params: {
          reason: 'not-supported-yet',
          hint: 'remove the key: nothing of it would be in effect',
        } satisfies IssueParams,
      })
    })
    .meta({ notSupportedYet: true })
    .optional()
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/

/** Reads `250ms`, `2s`, `1m30s`, `24h` as milliseconds; undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)
  return Math.round([...parts].reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS], 0))
}

/** The inverse of {@link parseDuration} in as few words as it takes: `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = ms
  const parts = Object.entries(UNIT_MS)
    .reverse()
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size)
      rest -= count * size
      return count === 0 ? [] : [`${count}${unit}`]
    })
  return parts.join('') || '0s'
}

/** A duration in a document, as milliseconds. */
export const duration = z
  .unknown()
  .transform((value, context) => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined
    if (ms !== undefined) return ms
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(value)} is not a duration`,
      params: { reason: 'not-a-duration', hint: durationHint(value) } satisfies IssueParams,
    })
    return z.NEVER
  })
  .meta({ title: 'duration', type: 'string', pattern: DURATION.source })

/** `off`, or a duration above zero as milliseconds. */
export const durationOrOff = z.union([z.literal('off'), duration])

/** A TCP or UDP port. */
export const port = z.int().min(1).max(65535).meta({ title: 'port' })

/** A service, subset or port name. */
export const label = nameOf('name', DNS_LABEL, 'a DNS label: lower-case letters, digits and "-", at most 63')

/** A host name. */
export const hostName = nameOf('host name', DNS_NAME, 'a host name: DNS labels in lower case joined by dots')

/** A host or service name with an optional `*` at its end, or `*` alone. */
export const namePattern = nameOf(
  'name pattern',
  /^(?:\*|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[a-z0-9][a-z0-9.-]*\*)$/,
  'a name or a name that ends in "*"',
)

function nameOf(title: string, form: RegExp, what: string) {
  return z
    .string()
    .superRefine((text, context) => {
      if (form.test(text)) return
      const hint = nameHint(text, form)
      const message = `${JSON.stringify(text)} is not ${what}`
      context.addIssue({ code: 'custom', message, ...(hint === undefined ? {} : { params: { hint } }) })
    })
    .meta({ title, pattern: form.source })
}

/** Whether a name matches a pattern as {@link namePattern} allows it. */
export function matchesPattern(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

/** Free text pairs: labels of instances and hosts. Numbers and booleans are refused so that `1.10` keeps its zero. */
export const labels = z.record(z.string().min(1).max(253), z.string().max(253))

/** The protocols of a port that this version carries. */
export const protocol = z.enum(['http', 'http2', 'grpc', 'tcp'], {
  error: (issue) =>
    issue.input === 'tls'
      ? 'protocol tls is not supported yet'
      : `${JSON.stringify(issue.input)} is not a protocol: write http, http2, grpc or tcp`,
})

/** The protocols of a port that this version carries. */
export type Protocol = z.infer<typeof protocol>

/** Where an instance is, coarse to fine; absent parts are unknown. */
export const locality = z.strictObject({
  region: z.string().min(1).optional().describe('the coarse part, such as `eu`; absent: unknown'),
  zone: z.string().min(1).optional().describe('the fine part, such as `eu-a`; absent: unknown'),
})
