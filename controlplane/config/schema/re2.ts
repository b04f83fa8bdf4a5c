import { RE2JS } from 're2js'
import { z } from 'zod'
import type { IssueParams } from '../../../common/config/fields.js'
import { estimateRe2Size, MOST_RE2_INSTRUCTIONS } from './re2-size.js'

/** For each instruction the pairs of code points that it matches, folded ones once. */
function charactersOf(compiled: RE2JS): readonly (readonly number[])[] {
  const { inst } = compiled.re2().prog as { readonly inst: readonly { readonly runes?: Iterable<number> }[] }
  return inst.map(({ runes = [] }) => {
    const all = [...runes]
    return all.length === 1 ? [...all, ...all] : all
  })
}

function tooLarge(size: number) {
  const message = `the regular expression is too large: about ${size} instructions, and Envoy takes ${MOST_RE2_INSTRUCTIONS}`
  const hint = 'make repetitions such as {1000} smaller, or match [a-z] instead of classes such as \\p{L}'
  return { code: 'custom' as const, message, params: { reason: 'not-re2', hint } satisfies IssueParams }
}

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
      const size = estimateRe2Size(charactersOf(RE2JS.compile(pattern)))
      if (size > MOST_RE2_INSTRUCTIONS) context.addIssue(tooLarge(size))
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
