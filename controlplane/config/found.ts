import type { ProblemCode } from '../../common/config/codes.js'
import type { DocumentPath } from '../../common/config/located.js'
import { problemAt } from '../../common/config/validate.js'
import type { YamlDocument } from '../../common/config/yaml.js'
import type { Problem } from '../../common/problem.js'

/** What was found at a place of a document. */
export interface Found {
  readonly code: ProblemCode
  readonly message: string
  readonly hint?: string | undefined
}

/** A problem at a path of a document. */
export function found(
  document: Pick<YamlDocument, 'locate'>,
  path: DocumentPath,
  finding: Found,
  severity: Problem['severity'] = 'error',
): Problem {
  return problemAt(document, { ...finding, path }, severity)
}
