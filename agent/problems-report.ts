import { create } from '@bufbuild/protobuf'
import type { Problem } from '../common/problem.js'
import { type ProblemsReport, ProblemsReportSchema } from '../common/proto/mesh/v1/mesh_pb.js'

/** More problems of one host than these are only counted: a person mends some and sees the next. */
export const MOST_PROBLEMS = 20

/** The longest text of a problem, in UTF-16 units. */
export const LONGEST_TEXT = 500

/** What the agent says of the files of its host: errors first, since not all may be told. */
export function buildProblemsReport(problems: readonly Problem[]): ProblemsReport {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const notices = problems.filter(({ severity }) => severity === 'notice')
  return create(ProblemsReportSchema, {
    problems: [...errors, ...notices].slice(0, MOST_PROBLEMS).map(({ severity, hint = '', ...problem }) => ({
      line: problem.line,
      column: problem.column,
      code: problem.code,
      notice: severity === 'notice',
      file: problem.file.slice(0, LONGEST_TEXT),
      path: problem.path.slice(0, LONGEST_TEXT),
      message: problem.message.slice(0, LONGEST_TEXT),
      hint: hint.slice(0, LONGEST_TEXT),
    })),
    errors: errors.length,
    notices: notices.length,
  })
}
