import type { z } from 'zod'
import type { Problem } from '../problem.js'
import { clip, explainIssue, type Finding } from './issues.js'
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
  const telling = withoutEchoes(findings).slice(0, MOST_PROBLEMS)
  return { problems: telling.map((finding) => problemAt(document, finding)) }
}

/** A misspelt key is one mistake, also where the key that was meant is missing because of it. */
function withoutEchoes(findings: readonly Finding[]): readonly Finding[] {
  const meant = new Set(
    findings.flatMap(({ path, meant: key }) => (key === undefined ? [] : [formatPath([...path.slice(0, -1), key])])),
  )
  return findings.filter(({ path, missing }) => missing === undefined || !meant.has(formatPath([...path, missing])))
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
    path: formatPath(path.map((part) => (typeof part === 'string' ? clip(part) : part))),
    message,
    ...(hint === undefined ? {} : { hint }),
  }
}
