import { z } from 'zod'
import { duration, notYet } from '../../../common/config/fields.js'

/** Conditions that this version can retry on, by their names in the language. */
export const RETRY_CONDITIONS = [
  'undelivered',
  'connect-failure',
  'refused-stream',
  'reset',
  'reset-before-request',
  'unavailable',
  'gateway-error',
  '5xx',
  'conflict',
] as const

const status = z.string().regex(/^[45]\d\d$/, {
  error: (issue) =>
    `${JSON.stringify(issue.input)} is not a condition: write ${RETRY_CONDITIONS.join(', ')} or a status such as "503"`,
})

/** When and how often a request is tried again. */
export const retry = z.strictObject({
  retries: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('further tries after the first: 2 is at most 3 tries; 0: none; absent: 2'),
  perTry: duration.optional().describe('how long one try may take; absent: as long as the whole request'),
  on: z
    .array(
      z.union([z.enum(RETRY_CONDITIONS), status], {
        error: (issue) =>
          `${JSON.stringify(issue.input)} is not a condition: write ${RETRY_CONDITIONS.join(', ')} or a status such as "503"`,
      }),
    )
    .min(1)
    .optional()
    .describe(
      'what is tried again; absent: undelivered, connect-failure, refused-stream, unavailable, reset-before-request',
    ),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/, 'write methods in capitals'))
    .min(1)
    .optional()
    .describe('only requests with these methods; absent: all'),
  perTryIdle: notYet(),
  headers: notYet(),
  backoff: notYet(),
  rateLimitedBackoff: notYet(),
  avoid: notYet(),
  hostAttempts: notYet(),
  grpc: notYet(),
})

export type RetrySettings = z.infer<typeof retry>
