import type { ProblemView } from '../../../common/admin-api.js'
import type { Problem } from '../../../common/problem.js'

/** A problem in a file, for people. */
export function viewProblem({ file, line, column, severity, code, path, message, hint }: Problem): ProblemView {
  return {
    place: `${file}:${line}:${column}`,
    severity,
    code,
    message: path === '' ? message : `${path}: ${message}`,
    ...(hint === undefined ? {} : { hint }),
  }
}
