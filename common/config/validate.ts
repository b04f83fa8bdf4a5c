import type { z } from 'zod'
import type { Problem } from '../problem.js'
import { explainIssue, type Finding } from './issues.js'
import { formatPath, type Located } from './located.js'
import type { YamlDocument } from './yaml.js'

/** How many problems of one document are told. */
const MOST_PROBLEMS = 20

/**
 * Proves a document by a schema. The value is absent where there is any problem: a document counts as a whole or not
 * at all.
 */
export function validate<T>(
  document: YamlDocument,
  schema: z.ZodType<T>,
): { readonly located?: Located<T>; readonly problems: readonly Problem[] } {
  const result = schema.safeParse(document.value, { reportInput: true })
  if (result.success) {
    const { location, locate } = document
    return { located: { value: result.data, location, locate }, problems: [] }
  }
  const findings = result.error.issues
    .slice(0, MOST_PROBLEMS)
    .flatMap((issue) => explainIssue(issue, schema, document.sourceAt))
  return { problems: findings.slice(0, MOST_PROBLEMS).map((finding) => problemAt(document, finding)) }
}

/** Locates a finding in its document. */
export function problemAt(
  document: Pick<YamlDocument, 'locate'>,
  { code, path, message, hint }: Finding,
  severity: Problem['severity'] = 'error',
): Problem {
  return {
    ...document.locate(path),
    code,
    severity,
    path: formatPath(path),
    message,
    ...(hint === undefined ? {} : { hint }),
  }
}
