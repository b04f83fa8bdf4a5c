import { RE2JS } from 're2js'
import { z } from 'zod'
import type { IssueParams } from '../../../common/config/fields.js'

/** Longest pattern that is taken: Envoy bounds the compiled size, this bounds what we compile to check it. */
const MAX_PATTERN = 1024

/**
 * A regular expression in the syntax of RE2, the one that Envoy runs. It is compiled here by a port of RE2, because
 * JavaScript's own parser accepts look-ahead and back references, which Envoy refuses together with all routes beside.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 */
export const re2 = z
  .string()
  .max(MAX_PATTERN, { abort: true })
  .superRefine((pattern, context) => {
    try {
      RE2JS.compile(pattern)
    } catch (error) {
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(pattern)} is not a regular expression of RE2: ${(error as Error).message}`,
        params: {
          reason: 'not-re2',
          hint: 'RE2 knows no look-ahead, look-behind and back references; it matches the whole value',
        } satisfies IssueParams,
      })
    }
  })
  .meta({ title: 'RE2 expression' })
