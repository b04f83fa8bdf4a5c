import type { z } from 'zod'
import type { IssueParams } from './fields.js'

/** What of a failed union is worth telling: the branch that the person meant, or what all branches would have taken. */
export type RelevantIssues =
  | { readonly kind: 'branch'; readonly issues: readonly z.core.$ZodIssue[] }
  | {
      readonly kind: 'top'
      /** Texts that would have been taken as they are. */
      readonly literals: readonly string[]
      /** Types, as zod names them, that would have got further. */
      readonly types: readonly string[]
      /** What branches said in words of their own. */
      readonly custom: readonly z.core.$ZodIssueCustom[]
    }

/**
 * Chooses among the branches of a failed union: one that knows a key but does not support it yet, else the one whose
 * faults lie deepest, because it took the shape around them.
 */
export function relevantIssues(issue: z.core.$ZodIssueInvalidUnion): RelevantIssues {
  const branches = issue.errors.map((issues) => issues.map((each) => below(issue.path, each)))
  const ranked = branches
    .map((issues) => ({ issues, rank: rankOf(issues, issue.path.length) }))
    .toSorted((a, b) => b.rank - a.rank)
  const [best] = ranked
  if (best !== undefined && best.rank > 0) return { kind: 'branch', issues: best.issues }
  const all = branches.flat()
  return {
    kind: 'top',
    literals: all.flatMap((each) => (each.code === 'invalid_value' ? each.values.map(String) : [])),
    types: [...new Set(all.flatMap((each) => (each.code === 'invalid_type' ? [each.expected] : [])))],
    custom: all.filter((each) => each.code === 'custom'),
  }
}

function below(path: readonly PropertyKey[], issue: z.core.$ZodIssue): z.core.$ZodIssue {
  return { ...issue, path: [...path, ...issue.path] }
}

const NOT_SUPPORTED_RANK = 1000

function rankOf(issues: readonly z.core.$ZodIssue[], top: number): number {
  return Math.max(0, ...issues.slice(0, 100).map((issue) => rankOfOne(issue, top)))
}

function rankOfOne(issue: z.core.$ZodIssue, top: number): number {
  const depth = issue.path.length - top
  if (issue.code === 'unrecognized_keys') return depth + 1
  if (issue.code === 'custom' && (issue.params as IssueParams | undefined)?.reason === 'not-supported-yet')
    return NOT_SUPPORTED_RANK
  if (issue.code !== 'invalid_union') return depth
  return depth + Math.max(0, ...issue.errors.map((branch) => rankOf(branch, 0)))
}
